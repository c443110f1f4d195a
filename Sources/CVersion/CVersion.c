#include "CVersion.h"

// Alone in its target, so that another commit has nothing compiled again but this file.

// `git archive`, and so whoever hosts the repository, puts the commit here (export-subst in .gitattributes).
static const char archived[] = "$Format:%h, %cs$";

const char *cversion_commit(void) {
#ifdef LOCKSTEP_COMMIT
  return LOCKSTEP_COMMIT;
#else
  return archived[0] == '$' ? "" : archived;
#endif
}
