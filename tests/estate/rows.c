/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/estate/estate.h"

/* Names of the collateral rules in the FIRE data standard (Apache-2.0). */
const char *const collateral_rules[COLLATERAL_RULES] = {
	"[id] is mandatory",
	"[date] is mandatory",
	"[account_ids] has invalid size",
	"[charge] out of range",
	"[country_code] not allowed value",
	"[currency_code] not allowed value",
	"[encumbrance_amount] out of range",
	"[encumbrance_type] not allowed value",
	"[loan_ids] has invalid size",
	"[regulatory_book] not allowed value",
	"[type] not allowed value",
	"[valuation_type] not allowed value",
	"[value] is mandatory",
	"[value_type] not allowed value",
};

enum { RULE_ID = 0, RULE_CURRENCY = 5, RULE_VALUE = 12 };

/*
 * The bad feed breaks rules in 7,800 of 100,000 rows: 5,140 rows have a currency that is not
 * allowed, 1,902 no id and 2,070 no value; 1,312 of them break two rules, so that the 9,112 rule
 * failures are more than the rows. A usual feed breaks one rule in 100 rows.
 */
enum { BAD_ROWS = 7800, BAD_CURRENCY = 5140, BAD_ID = 1902, BAD_BOTH = 1312, USUAL_BAD = 100 };

unsigned collateral_broken(uint32_t row, bool worst)
{
	/* 33,377 has no factor in common with 100,000: a permutation that scatters the bad rows. */
	uint32_t place = (uint32_t)((uint64_t)row * 33377u % COLLATERAL_ROWS);
	uint32_t other;
	unsigned broken = 0;

	if (!worst)
		return place < USUAL_BAD ? 1u << RULE_CURRENCY : 0;
	if (place >= BAD_ROWS)
		return 0;
	if (place < BAD_CURRENCY)
		broken |= 1u << RULE_CURRENCY;
	if (place >= BAD_CURRENCY)
		other = place - BAD_CURRENCY;
	else if (place < BAD_BOTH)
		other = BAD_ROWS - BAD_CURRENCY + place;
	else
		return broken;
	return broken | 1u << (other < BAD_ID ? RULE_ID : RULE_VALUE);
}
