package org.allod.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import org.allod.base.BelievedClock;
import org.allod.base.RejectedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppTokensTest {
    @TempDir
    Path dir;

    private TrustFolder folder;

    @BeforeEach
    void open() {
        folder = new TrustFolder(dir);
    }

    @AfterEach
    void close() {
        folder.close();
    }

    private AppTokens tokens() {
        return folder.trust.tokens();
    }

    private AppTokens.Made make(String app, Duration lives) {
        return tokens().make(app, "ci", Optional.of(lives));
    }

    @Test
    void token_made_isFoundByItsTextAndByNoOther() {
        AppTokens.Made made = make("shop", Duration.ofHours(1));
        assertThat(made.text()).startsWith("allod_app_");
        assertThat(tokens().find(made.text())).hasValue(made.token());
        assertThat(tokens().find(made.text() + "x")).isEmpty();
        assertThat(tokens().find(made.text().substring(0, 30))).isEmpty();
        assertThat(tokens().find("")).isEmpty();
        assertThat(made.toString()).doesNotContain(made.text());
    }

    @Test
    void token_afterReopening_isFound_andItsTextIsNowhereOnDisk() throws Exception {
        AppTokens.Made made = make("shop", Duration.ofHours(1));
        folder.close();
        assertThat(TrustFolder.holding(dir, made.text())).isEmpty();
        folder = new TrustFolder(dir);
        assertThat(tokens().find(made.text())).hasValue(made.token());
    }

    @Test
    void token_expired_isWorthlessAndNotListed() {
        AppTokens.Made made = make("shop", Duration.ofMinutes(5));
        folder.time.advance(Duration.ofMinutes(5).minusMillis(1));
        assertThat(tokens().find(made.text())).isPresent();
        folder.time.advance(Duration.ofMillis(1));
        assertThat(tokens().find(made.text())).isEmpty();
        assertThat(tokens().list(Optional.empty())).isEmpty();
    }

    @Test
    void token_revoked_isWorthlessAtOnceAndAfterReopening() {
        AppTokens.Made made = make("shop", Duration.ofHours(1));
        AppTokens.Made other = make("shop", Duration.ofHours(1));
        assertThat(tokens().revoke(made.token().id())).isEqualTo(made.token());
        assertThat(tokens().find(made.text())).isEmpty();
        folder.close();
        folder = new TrustFolder(dir);
        assertThat(tokens().find(made.text())).isEmpty();
        assertThat(tokens().list(Optional.of("shop"))).containsExactly(other.token());
        assertThatThrownBy(() -> tokens().revoke(made.token().id()))
                .isInstanceOf(RejectedException.class)
                .hasMessageContaining("there is no token " + made.token().id());
    }

    @Test
    void tokens_ofADeletedApp_areGone() {
        AppTokens.Made made = make("shop", Duration.ofHours(1));
        AppTokens.Made kept = make("bank", Duration.ofHours(1));
        folder.database.write(tx -> {
            folder.trust.forget(tx, "shop");
            return 0;
        });
        folder.trust.forgotten("shop");
        assertThat(tokens().find(made.text())).isEmpty();
        assertThat(tokens().find(kept.text())).isPresent();
    }

    @Test
    void tokens_ofOneApp_areBounded_andExpiredOnesMakeRoom() {
        for (int i = 0; i < AppTokens.MAX_TOKENS; i++) {
            make("shop", Duration.ofMinutes(1));
        }
        assertThatThrownBy(() -> make("shop", Duration.ofMinutes(1)))
                .hasMessageContaining("app shop has 1000 tokens, the most it may have");
        make("bank", Duration.ofMinutes(1));
        folder.time.advance(Duration.ofMinutes(1));
        assertThat(tokens().find(make("shop", Duration.ofMinutes(1)).text())).isPresent();
    }

    @Test
    void token_withoutAnExpiry_livesAYear() {
        AppTokens.Token token = tokens().make("shop", "ci", Optional.empty()).token();
        assertThat(Duration.between(token.created(), token.expires())).isEqualTo(Duration.ofDays(365));
    }

    @Test
    void expiryOrName_impossible_isRefused() {
        assertThatThrownBy(() -> make("shop", Duration.ZERO)).hasMessageContaining("expiry must be more than nothing");
        assertThatThrownBy(() -> make("shop", AppTokens.LONGEST.plusSeconds(1)))
                .hasMessageContaining("at most 175200h");
        assertThatThrownBy(() -> tokens().make("shop", "a\nb", Optional.empty()))
                .hasMessageContaining("on one line");
        assertThat(tokens().list(Optional.empty())).isEmpty();
    }

    @Test
    void keyToken_livesTenMinutes_andIsKeptNowhere() {
        AppTokens.Made made = tokens().makeForKeys("shop");
        assertThat(tokens().find(made.text())).hasValue(made.token());
        assertThat(made.token().scope()).isEqualTo(AppTokens.Scope.KEYS);
        assertThat(tokens().list(Optional.empty())).isEmpty();
        char last = made.text().charAt(made.text().length() - 2);
        String forged = made.text().substring(0, made.text().length() - 2) + (last == 'A' ? 'B' : 'A') + "A";
        assertThat(tokens().find(forged)).isEmpty();
        assertThat(tokens().find("allod_kms_%%%")).isEmpty();
        folder.time.advance(AppTokens.KEYS_LIVE);
        assertThat(tokens().find(made.text())).isEmpty();
    }

    @Test
    void keyToken_ofAnAppThatIsGone_opensNoOtherOfItsName() {
        OptionalLong[] shop = {OptionalLong.of(1)};
        tokens().endWith(app -> app.equals("shop") ? shop[0] : OptionalLong.empty());
        AppTokens.Made made = tokens().makeForKeys("shop");
        assertThat(tokens().find(made.text())).hasValue(made.token());
        shop[0] = OptionalLong.empty();
        assertThat(tokens().find(made.text())).isEmpty();
        shop[0] = OptionalLong.of(2);
        assertThat(tokens().find(made.text())).isEmpty();
        assertThat(tokens().find(tokens().makeForKeys("shop").text())).isPresent();
        assertThatThrownBy(() -> tokens().makeForKeys("none")).hasMessageContaining("there is no app none");
    }

    /** A calendar that jumps ahead refuses for as long as it is ahead, and deletes nothing. */
    @Test
    void tokens_whenTheCalendarJumpsAheadAndBack_areStillThere() {
        BelievedClock clock = new BelievedClock(folder.time);
        AppTokens tokens = new AppTokens(folder.database, AeadKey.random(), clock, folder.ids);
        AppTokens.Made made = tokens.make("shop", "ci", Optional.of(Duration.ofHours(1)));
        folder.time.step(Duration.ofDays(30));
        assertThat(tokens.find(made.text())).isEmpty();
        tokens.make("shop", "other", Optional.of(Duration.ofHours(1)));
        folder.time.step(Duration.ofDays(-30));
        assertThat(tokens.find(made.text())).hasValue(made.token());
    }
}
