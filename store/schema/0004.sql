-- SPDX-License-Identifier: Apache-2.0
-- The store, version 4: a table that was dropped and made again at the same path is another table.
-- Units, NULL and `batch` as in version 1.

-- Of the rows of one path the newest is the table that is there now; what was told of those before
-- it stays theirs.
CREATE TABLE table_life (
	id INTEGER PRIMARY KEY,
	path TEXT NOT NULL, -- absolute
	name TEXT NOT NULL,
	source INTEGER NOT NULL,
	batch INTEGER NOT NULL
);
INSERT INTO table_life (id, path, name, source, batch) SELECT id, path, name, source, batch FROM tbl;
DROP TABLE tbl;
ALTER TABLE table_life RENAME TO tbl;
CREATE INDEX tbl_path ON tbl (path, id, batch);
