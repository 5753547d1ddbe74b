// SQLite 3.40: the catalog.
#pragma once
#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast macro, which Swift cannot import: SQLite copies the bound bytes.
static inline sqlite3_destructor_type teeline_sqlite_transient(void) { return SQLITE_TRANSIENT; }
