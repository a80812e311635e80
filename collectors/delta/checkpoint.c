/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints as actions. */
#include "collectors/delta/table_state.h"

bool delta_checkpoint_load(struct delta_snapshot *snapshot,
	const struct delta_checkpoint *checkpoint, struct err *err)
{
	char *name = delta_checkpoint_name(checkpoint, 1);
	bool done;

	(void)snapshot;
	done = err_set(err, ERR_UNSUPPORTED, 0, "checkpoint %s is not read", name);
	free(name);
	return done;
}
