-- SPDX-License-Identifier: Apache-2.0
-- The store, version 3: what Delta tables hold, and which of their versions can still be restored.
-- Units, NULL and `batch` as in version 1. Both are told on change: the newest row of a key counts.

-- A table as replayed from its log; columns as in struct fact_table.
CREATE TABLE table_state (
	tbl INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	at INTEGER,             -- when it was looked at
	version INTEGER,        -- NULL: it may not be read, problem says why
	timestamp INTEGER,
	files INTEGER, bytes INTEGER, row_count INTEGER, records INTEGER, tombstones INTEGER,
	files_without_stats INTEGER, small_files INTEGER, small_bytes INTEGER,
	deletion_vectors INTEGER, deleted_rows INTEGER, partitions INTEGER,
	min_reader INTEGER, min_writer INTEGER,
	checkpoint INTEGER, earliest INTEGER, first_listed INTEGER, first_restorable INTEGER,
	newest_looked INTEGER, newest_gone INTEGER,
	rescued INTEGER, flagged INTEGER,
	shape INTEGER,          -- table_shape
	problem TEXT,
	PRIMARY KEY (tbl, batch)
) WITHOUT ROWID;

-- Schema, properties and features, of which a table has few in its life: a JSON object.
CREATE TABLE table_shape (
	id INTEGER PRIMARY KEY,
	h INTEGER NOT NULL, -- text_hash of the JSON, as signed
	v TEXT NOT NULL
);
CREATE INDEX table_shape_h ON table_shape (h);

-- Whether a version can be restored; columns as in struct fact_standing.
CREATE TABLE standing (
	tbl INTEGER NOT NULL,
	version INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	standing INTEGER NOT NULL, -- enum version_standing
	until INTEGER,
	by_log INTEGER NOT NULL,
	files_old INTEGER, files_gone INTEGER, files_unlooked INTEGER,
	gone TEXT,                 -- a path; foreign: clean before showing
	PRIMARY KEY (tbl, version, batch)
) WITHOUT ROWID;

-- When a table was last looked after.
CREATE INDEX version_upkeep ON version (tbl, operation, version)
	WHERE operation IN ('OPTIMIZE', 'VACUUM START', 'VACUUM END');

-- What an update committed to a table.
CREATE INDEX version_update ON version (tbl, update_id) WHERE update_id IS NOT NULL;
