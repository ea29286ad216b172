package org.allod.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which of the images that are here an app may name. */
class ImageRightsTest {
    private static final Digest PULLED = Digest.parse("sha256:" + "a".repeat(64), "test");
    private static final Digest LOCAL = Digest.parse("sha256:" + "b".repeat(64), "test");

    @TempDir
    Path folder;

    @Test
    void whatWasPulledForAnotherApp_isNoLocalImage_howeverItsNameLooks() throws Exception {
        TagIndex tags = new TagIndex(folder.resolve("names.json"));
        TenantImages images = new TenantImages(tags, RegistryPolicy.USUAL);
        for (String name : new String[] {
            "ghcr.io/acme/x:v1", "ghcr.io/acme/x:latest", "docker.io/library/nginx:1.27", "registry.corp/team/web:v2"
        }) {
            tags.set(ImageReference.parse(name).toString(), PULLED);
            assertThat(images.admit(name, "shop")).as(name).isEmpty();
            assertThat(images.admit(name + "@" + PULLED, "shop")).as(name).isEmpty();
        }
        tags.grant(Map.of("shop", Set.of(PULLED)));
        assertThat(images.admit("ghcr.io/acme/x:v1", "shop")).contains(PULLED);
        assertThat(images.admit("ghcr.io/acme/x:v1", "bank")).isEmpty();
        // Its name moves on: what it is now was given to nobody.
        tags.set("ghcr.io/acme/x:v1", LOCAL);
        assertThat(images.held("ghcr.io/acme/x:v1", "shop")).isEmpty();
    }

    @Test
    void theOperatorsLocalImages_areEveryApps() throws Exception {
        TagIndex tags = new TagIndex(folder.resolve("names.json"));
        TenantImages images = new TenantImages(tags, RegistryPolicy.USUAL);
        for (String name : new String[] {"hello", "hello:v1", "team/web:v2", "ghcr.io/acme/mine"}) {
            tags.set(LocalImageName.parse(name), LOCAL);
            assertThat(images.admit(name, "shop")).as(name).contains(LOCAL);
            assertThat(images.admit(name + "@" + LOCAL, "shop")).as(name).contains(LOCAL);
            assertThat(images.admit(name + "@" + PULLED, "shop")).as(name).isEmpty();
        }
    }
}
