/**
 * The operation table: taking a record, giving it back, and finding one by index and generation.
 *
 * These three run once for every operation and every completion. With many in flight the records
 * are used first in, first out, so that the free list is as scattered as in a busy server.
 */

import { OperationTable } from '../../src/runtime/operation-table.ts';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import type { Operation } from '../../src/runtime/operation.ts';
import { elapsedOf, measureParts, scaled } from './measurement.ts';
import type { Micro, Part, Size } from './measurement.ts';

const STEPS_PER_SAMPLE = 65_536;
const IN_FLIGHT = [1, 64, 4096];

export const operationTable: Micro = {
  name: 'operation-table',
  summary: 'acquire, release and find with 1, 64 and 4096 operations in flight',
  run: (size) =>
    measureParts(
      size,
      IN_FLIGHT.flatMap((inFlight) => partsOf(inFlight, size)),
    ),
};

function partsOf(inFlight: number, size: Size): Part[] {
  const table = new OperationTable();
  const operations = Array.from({ length: inFlight }, () => begin(table));
  const count = scaled(STEPS_PER_SAMPLE, size);
  let next = 0;
  const cycle = (steps: number): void => {
    for (let left = steps; left > 0; left -= 1) {
      const oldest = operations[next];
      if (oldest !== undefined) table.release(oldest);
      operations[next] = begin(table);
      next = next + 1 === inFlight ? 0 : next + 1;
    }
    if (table.inFlight !== inFlight) throw new Error(`${table.inFlight} operations are in flight`);
  };
  const findAll = (steps: number, generationOffset: number): number => {
    let found = 0;
    for (let left = steps; left > 0; left -= 1) {
      const operation = operations[next];
      if (operation === undefined) continue;
      const generation = operation.generation + generationOffset;
      if (table.find(operation.index, generation) === operation) found += 1;
      next = next + 1 === inFlight ? 0 : next + 1;
    }
    return found;
  };
  return [
    { name: `release and acquire, ${inFlight} in flight`, count, measure: elapsedOf(cycle) },
    {
      name: `find, ${inFlight} in flight`,
      count,
      measure: elapsedOf((steps) => expectFound(findAll(steps, 0), steps)),
    },
    {
      name: `find a late completion's, ${inFlight} in flight`,
      count,
      measure: elapsedOf((steps) => expectFound(findAll(steps, -1), 0)),
    },
  ];
}

function begin(table: OperationTable): Operation {
  return table.acquire(ignoreCompletion, 'nop');
}

function expectFound(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${actual} operations were found, not ${expected}`);
}
