/* engine_want.c: compiled into programs of this tree that link libtrack. Instrumented code refers to it weakly, and a
 * weak reference alone makes no linker take a library; installed programs get the same from pkg-config (-u
 * trk_gate_v1). */
extern volatile unsigned char trk_gate_v1;
extern volatile unsigned char *const trk_want_gate;
volatile unsigned char *const trk_want_gate = &trk_gate_v1;
