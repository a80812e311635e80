-- SPDX-License-Identifier: Apache-2.0
-- The store, version 1. Every name in it is spelled as in store/fact.h.
--
-- Units: times are UTC milliseconds since 1970 (`_at`), hours are ms / 3600000, sizes are bytes.
-- NULL is "nobody reported it"; 0 is a reported zero. A column that refers to `dim` holds a
-- dictionary id; NULL there is "absent". Enum columns hold the numbers of the enums in
-- store/fact.h, which are therefore only ever appended to.
--
-- Facts (append-only): event, raw, edge, version, health, undecodable, source_count, pipeline.
-- Every fact has `batch`. Derived (speed only, equal to what store/fold.h makes of the facts): run,
-- flow_run, roll_h. A derived row tells the newest batch that touched it (`batch_max`): as of an
-- older batch it is folded from the facts instead.

-- One row a visible unit. Facts whose batch has no row here yet are not visible: a reader's
-- snapshot is n = max(n) with seen_at <= T, and it looks at batch <= n only. seen_at never falls.
-- No event of a batch up to n has a k above k_max: the newest event is looked for from there down,
-- not through those that came later.
CREATE TABLE batch (
	n INTEGER PRIMARY KEY,
	seen_at INTEGER NOT NULL,
	k_max INTEGER NOT NULL -- -1: no event yet
);
CREATE INDEX batch_seen ON batch (seen_at, n);

-- The batch that is being filled: events with this batch number lie between k0 and k1. Derived rows
-- do not hold them yet; after a crash the writer folds them from here before it takes new facts.
CREATE TABLE pending (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	batch INTEGER NOT NULL,
	k0 INTEGER, -- NULL: no event yet
	k1 INTEGER
);

-- The dictionary of every text that recurs: names, ids, message templates, error texts.
CREATE TABLE dim (
	id INTEGER PRIMARY KEY,
	h INTEGER NOT NULL, -- dim_hash(v): 32 bits of text_hash
	v TEXT NOT NULL
);
CREATE INDEX dim_h ON dim (h);

CREATE TABLE source (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE, -- "eventlog fire"
	cursor BLOB                -- the collector's own words; commits with the facts it stands behind
);

-- Counters of a source since its first batch, as of each batch that changed them.
CREATE TABLE source_count (
	source INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	facts INTEGER NOT NULL,        -- new facts of all kinds but health
	undecodable INTEGER NOT NULL,  -- inputs that could not be read, new or not
	fallback INTEGER NOT NULL,     -- records read by the general parser
	read_bytes INTEGER NOT NULL,
	read_records INTEGER NOT NULL,
	last_at INTEGER,               -- newest happened_at of its events and versions
	facts_batch INTEGER,           -- newest batch that brought a new fact (not health)
	PRIMARY KEY (source, batch)
) WITHOUT ROWID;

-- One life of one file, for raw pointers.
CREATE TABLE segment (
	id INTEGER PRIMARY KEY,
	source INTEGER NOT NULL,
	path TEXT NOT NULL,
	device INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	head_hash INTEGER NOT NULL,  -- text_hash of the first head_len bytes, as signed
	head_len INTEGER NOT NULL,
	compressed INTEGER NOT NULL, -- 1: offsets count decompressed bytes
	UNIQUE (path, device, inode, head_hash, head_len)
);

-- An event of a pipeline's event log. k is happened_at << 20 | 20 bits of a hash of id: order,
-- paging and duplicates in one tree; on a collision the low 20 bits count on (and around).
-- happened_at unknown or outside 1970..2100 is 0 in k, and x says what was reported.
CREATE TABLE event (
	k INTEGER PRIMARY KEY,
	batch INTEGER NOT NULL,
	type INTEGER NOT NULL,
	level INTEGER NOT NULL,
	pipeline INTEGER,  -- dim: pipeline id
	upd INTEGER,       -- dim: update id
	flow INTEGER,      -- dim
	dataset INTEGER,   -- dim
	msg INTEGER,       -- dim: message template, see store/message.h
	x BLOB NOT NULL    -- its id in 16 bytes, then everything else, packed by store/pack.h
);
CREATE INDEX event_warn ON event (k) WHERE level >= 3;
CREATE INDEX event_update ON event (pipeline, k) WHERE type IN (1, 4); -- create_update, update_progress

-- Redacted raw JSON of events worth keeping, zstd (one frame, content size in its header). Events of
-- one type are alike: the first one kept, with what is common to a few, serves as the dictionary of
-- those after it, which makes them a fifth of the size.
CREATE TABLE raw (
	k INTEGER PRIMARY KEY,
	dict INTEGER, -- raw_dict; NULL: compressed without one
	z BLOB NOT NULL
);
CREATE TABLE raw_dict (
	id INTEGER PRIMARY KEY,
	type INTEGER NOT NULL UNIQUE, -- enum event_type
	v BLOB NOT NULL               -- as zstd takes it: with statistics, or content alone
);

-- Names and first source of pipelines: a row from the batch on in which it held.
CREATE TABLE pipeline (
	id INTEGER NOT NULL,      -- dim: pipeline id
	batch INTEGER NOT NULL,
	k INTEGER NOT NULL,       -- of the newest event that told the name
	name INTEGER,             -- dim
	source INTEGER NOT NULL,
	PRIMARY KEY (id, batch)
) WITHOUT ROWID;

-- Hours (of k) in which a pipeline has events: a search for a quiet pipeline looks nowhere else. May
-- name an hour whose events are gone or not visible yet.
CREATE TABLE zone (
	pipeline INTEGER NOT NULL, -- dim: pipeline id
	hour INTEGER NOT NULL,
	PRIMARY KEY (pipeline, hour)
) WITHOUT ROWID;

-- One dataset read to write another: flow_definition events, one row an input. An output without
-- inputs has one row with input 0.
CREATE TABLE edge (
	pipeline INTEGER NOT NULL, -- dim; 0 = absent
	output INTEGER NOT NULL,   -- dim
	input INTEGER NOT NULL,    -- dim; 0 = none
	k INTEGER NOT NULL,        -- of the event
	batch INTEGER NOT NULL,
	upd INTEGER,               -- dim
	flow INTEGER,              -- dim
	PRIMARY KEY (pipeline, output, input, k)
) WITHOUT ROWID;

CREATE TABLE tbl (
	id INTEGER PRIMARY KEY,
	path TEXT NOT NULL UNIQUE, -- absolute
	name TEXT NOT NULL,
	source INTEGER NOT NULL,
	batch INTEGER NOT NULL
);

-- One commit of a Delta table; columns as in struct fact_version.
CREATE TABLE version (
	tbl INTEGER NOT NULL,
	version INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	source INTEGER NOT NULL,
	happened_at INTEGER,
	timestamp INTEGER,
	commit_info INTEGER,
	in_commit_timestamp INTEGER NOT NULL,
	table_id TEXT,
	operation TEXT, user_id TEXT, user_name TEXT, engine TEXT, isolation_level TEXT, user_metadata TEXT,
	parameters TEXT, metrics TEXT, -- JSON objects as written
	job TEXT, notebook TEXT, cluster_id TEXT,
	read_version INTEGER,
	is_blind_append INTEGER,
	update_id TEXT, pipeline_id TEXT, epoch_id TEXT,
	files_added INTEGER, files_removed INTEGER, bytes_added INTEGER, bytes_removed INTEGER,
	rows_added INTEGER, rows_removed INTEGER,
	dv_added INTEGER,
	data_change INTEGER NOT NULL,
	changes TEXT, -- JSON array of sentences
	problem TEXT,
	PRIMARY KEY (tbl, version)
) WITHOUT ROWID;
CREATE INDEX version_time ON version (tbl, timestamp, batch); -- counting without reading commits

CREATE TABLE health (
	source INTEGER NOT NULL,
	at INTEGER NOT NULL,
	batch INTEGER NOT NULL,
	state INTEGER NOT NULL, -- enum health_state
	text TEXT,
	detail TEXT,
	behind INTEGER,
	PRIMARY KEY (source, at, batch) -- two batches of one millisecond: the later counts
) WITHOUT ROWID;

CREATE TABLE undecodable (
	id INTEGER PRIMARY KEY,
	source INTEGER NOT NULL,
	place TEXT NOT NULL,
	batch INTEGER NOT NULL,
	at INTEGER,
	reason TEXT,
	bytes BLOB,     -- foreign: clean before showing
	length INTEGER, -- of the whole input
	UNIQUE (source, place)
);

-- Derived: one row an update (run of a pipeline). x is update_fold_encode(), head the beginning of
-- it that lists read: they find it in the index, where the updates of a pipeline lie together.
CREATE TABLE run (
	upd INTEGER PRIMARY KEY,   -- dim
	pipeline INTEGER,          -- dim
	created_k INTEGER NOT NULL,-- (created_at, else first event's time) << 20: order of updates
	first_k INTEGER NOT NULL,  -- its events lie between first_k and last_k
	last_k INTEGER NOT NULL,
	batch_min INTEGER NOT NULL,-- oldest and newest batch that touched it
	batch_max INTEGER NOT NULL,
	head BLOB NOT NULL,
	x BLOB NOT NULL
);
CREATE INDEX run_pipeline ON run (pipeline, created_k, upd, batch_min, batch_max, head);
CREATE INDEX run_created ON run (created_k);

-- Derived: one row a flow of an update. x is flow_fold_encode().
CREATE TABLE flow_run (
	upd INTEGER NOT NULL,      -- dim
	flow INTEGER NOT NULL,     -- dim
	dataset INTEGER,           -- dim: what the flow writes
	first_k INTEGER NOT NULL,
	last_k INTEGER NOT NULL,
	reported INTEGER NOT NULL, -- 1: some event had data_quality
	batch_min INTEGER NOT NULL,
	batch_max INTEGER NOT NULL,
	x BLOB NOT NULL,
	PRIMARY KEY (upd, flow)
) WITHOUT ROWID;
-- By first_k, which never grows: an update keeps its place while it runs. From the end of a dataset:
-- its newest update with quality, else its newest.
CREATE INDEX flow_run_dataset ON flow_run (dataset, reported, first_k);

-- Derived: what was reported in an hour, by dataset, for trends. x is rolls_encode(): for each rule
-- a = passed, b = failed; for rule 0, where dataset is a flow, for the events of one micro-batch need
-- not agree on the dataset: a = rows it wrote, b = records it dropped. na, nb: groups that knew a, b
-- (0: unknown, the sum says nothing). The totals rule holds within the hour: MAX by (update, flow,
-- micro-batch), then SUM. Time-major: the hour that is being written lies together.
CREATE TABLE roll_h (
	hour INTEGER NOT NULL,
	dataset INTEGER NOT NULL,  -- dim: of the rule (may be a view), else the flow
	batch_max INTEGER NOT NULL,
	x BLOB NOT NULL,
	PRIMARY KEY (hour, dataset)
) WITHOUT ROWID;
