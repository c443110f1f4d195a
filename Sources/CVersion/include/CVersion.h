#ifndef LOCKSTEP_CVERSION_H
#define LOCKSTEP_CVERSION_H

// The version of Lockstep: the one place where it is written. CHANGELOG.md says what is in it.
#define LOCKSTEP_VERSION "0.1.0"

// The commit that this program was built from and its date, as in `9a0ca54, 2026-11-26`, or with its changes, as in
// `9a0ca54 with changes, 2026-11-26`; empty where that is not known.
const char *cversion_commit(void);

#endif
