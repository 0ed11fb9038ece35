/* failing.h: the N-th allocation of layer base fails (linked with --wrap for each of the functions). */
#ifndef TEST_BASE_FAILING_H
#define TEST_BASE_FAILING_H

/* Lets `count` allocations succeed and the next one fail, once; negative: none fails. */
void fail_after(long count);
/* Whether one failed since fail_after. */
int has_failed(void);

#endif
