package org.allod.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.allod.base.Bug;
import org.junit.jupiter.api.Test;

class CallerBudgetTest {
    private static final Caller ONE = new Caller.Operator("10.0.0.1");

    @Test
    void nothing_canAlwaysBeHad_alsoWhereAllIsTaken() {
        CallerBudget budget = new CallerBudget(4, 4);
        assertThat(budget.take(ONE, 4)).isTrue();
        assertThat(budget.take(ONE, 1)).isFalse();
        assertThat(budget.take(ONE, 0)).isTrue();
        assertThat(budget.refused()).isEqualTo(1);
        assertThat(budget.taken()).isEqualTo(4);
    }

    @Test
    void whatWasGivenBackTwice_isABug_andNobodyElsesShareGrows() {
        CallerBudget budget = new CallerBudget(4, 4);
        assertThat(budget.take(ONE, 2)).isTrue();
        budget.give(ONE, 2);
        assertThatThrownBy(() -> budget.give(ONE, 1)).isInstanceOf(Bug.class);
        assertThat(budget.taken()).isZero();
        assertThat(budget.take(ONE, 2)).isTrue();
        assertThatThrownBy(() -> budget.give(ONE, 3)).isInstanceOf(Bug.class);
        assertThat(budget.taken()).isEqualTo(2);
    }
}
