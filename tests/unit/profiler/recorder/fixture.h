/* fixture.h: a recorder that writes into a folder of its own, and targets played by hand. For tests. */
#ifndef TEST_RECORDER_FIXTURE_H
#define TEST_RECORDER_FIXTURE_H

#include "recorder.h"

#include "blocks.h"
#include "fake_target.h"

/* Where the traces of the running test go. */
extern char fixture_folder[64];

/* cmocka's setup and teardown of one test. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Fails the test with the error's message. */
void expect_ok(struct prof_error *error);
/* Without options or without options->out traces are called t.PID.trk. */
struct recorder *start_recorder(const struct rec_options *options);
void steps(struct recorder *rec, int n);
/* A good hello of the calling process. */
struct trk_hello make_hello(void);
/* The calling process joins as entry 0. */
struct fake join_recorder(struct recorder *rec);
/* Path of the i-th trace; static memory. */
const char *path_of(struct recorder *rec, size_t i);
/* Ends the recorder and reads the trace that the i-th process got. */
void finish(struct recorder *rec, size_t i, struct blocks *ret);

#endif
