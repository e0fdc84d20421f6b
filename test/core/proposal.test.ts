import { expect, test } from "vitest";
import {
  isOver,
  OPEN_STATUSES,
  PROPOSAL_STATUSES,
  UNSTARTED_ENDS,
} from "../../src/core/proposal.ts";

test("a proposal is over unless it waits or runs", () => {
  expect(PROPOSAL_STATUSES.filter((status) => !isOver(status))).toEqual([...OPEN_STATUSES]);
  expect(UNSTARTED_ENDS.every(isOver)).toBe(true);
});
