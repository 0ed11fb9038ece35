/* values.c: a program that uses value.h, and in one of ten rounds forgets what it took. C and C++. */
#include "value.h"

#include <stdio.h>

static value last;

static int look(value v, int round)
{
    value mine = value_dup(v);
    if (round % 10 == 7)
        return 1;
    value_drop(mine);
    return 0;
}

int main(void)
{
    int sum = 0;
    last = value_number(1);
    for (int i = 0; i < 50; i++) {
        value text = value_text("some text"), number = value_number(i);
        sum += look(text, i) + look(number, i);
        value_drop(last);
        last = value_dup(text);
        value_drop(text);
    }
    value_drop(last);
    printf("%d\n", sum);
    return 0;
}
