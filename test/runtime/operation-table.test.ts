/**
 * `user_data` to record and back: generations keep late completions away from reused records.
 */

import { describe, expect, it } from 'vitest';
import { ignoreCompletion } from '../../src/runtime/operation.ts';
import type { Operation } from '../../src/runtime/operation.ts';
import { OperationTable } from '../../src/runtime/operation-table.ts';
import { SeededRandom } from '../support/seeded-random.ts';

function acquire(table: OperationTable): Operation {
  return table.acquire(ignoreCompletion, 'nop');
}

describe('OperationTable.acquire', () => {
  it('hands out a referenced record that is in flight', () => {
    const table = new OperationTable();
    const complete = (): void => {};
    const operation = table.acquire(complete, 'read');
    expect(operation).toMatchObject({ isInFlight: true, isReferenced: true, syscall: 'read' });
    expect(operation.complete).toBe(complete);
    expect([table.inFlight, table.referenced, table.size]).toEqual([1, 1, 1]);
  });

  it('grows by one record when none is free, with indices from 0', () => {
    const table = new OperationTable();
    const operations = Array.from({ length: 1000 }, () => acquire(table));
    expect(operations.map(({ index }) => index)).toEqual(operations.map((_, i) => i));
    expect(table.size).toBe(1000);
  });

  it('takes the record that was released last, so that it is still in the cache', () => {
    const table = new OperationTable();
    const [first, second] = [acquire(table), acquire(table)];
    table.release(first);
    table.release(second);
    expect(acquire(table)).toBe(second);
    expect(acquire(table)).toBe(first);
    expect(table.size).toBe(2);
  });
});

describe('OperationTable.release', () => {
  it('drops everything that the record kept alive', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    Object.assign(operation, {
      keep: {},
      context: {},
      resolve: () => {},
      reject: () => {},
      path: '/file',
      signal: new AbortController().signal,
      binding: {},
      runsUserCode: true,
      makesDescriptor: true,
    });
    table.release(operation);
    expect(operation).toMatchObject({
      isInFlight: false,
      isReferenced: false,
      keep: null,
      context: null,
      resolve: null,
      reject: null,
      path: undefined,
      signal: null,
      binding: null,
      runsUserCode: false,
      makesDescriptor: false,
    });
  });

  it('asserts that it happens once', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    table.release(operation);
    expect(() => table.release(operation)).toThrow('An operation is released once');
    expect([table.inFlight, table.referenced]).toEqual([0, 0]);
  });

  it('does not count an unreferenced operation as referenced', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    table.setReferenced(operation, false);
    table.release(operation);
    expect([table.inFlight, table.referenced]).toEqual([0, 0]);
  });
});

describe('OperationTable.find', () => {
  it('finds what is in flight by index and generation', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    expect(table.find(operation.index, operation.generation)).toBe(operation);
  });

  it('finds nothing where nothing was ever made', () => {
    const table = new OperationTable();
    expect(table.find(0, 0)).toBeUndefined();
    expect(table.find(-1, 0)).toBeUndefined();
  });

  it('does not find an operation that is over, before and after its record is reused', () => {
    const table = new OperationTable();
    const first = acquire(table);
    const { index, generation } = first;
    table.release(first);
    expect(table.find(index, generation)).toBeUndefined();
    expect(table.find(index, first.generation)).toBeUndefined();
    const second = acquire(table);
    expect(second.index).toBe(index);
    expect(table.find(index, generation)).toBeUndefined();
    expect(table.find(index, second.generation)).toBe(second);
  });

  it('still tells generations apart when they wrap around 32 bits', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    operation.generation = 0x7fffffff;
    table.release(operation);
    const next = acquire(table);
    expect(next.generation).toBe(-0x80000000);
    // The completion comes back through an `Int32Array`, as here.
    const [read = 0] = new Int32Array(new Uint32Array([0x80000000]).buffer);
    expect(table.find(next.index, read)).toBe(next);
  });
});

describe('OperationTable.setReferenced', () => {
  it('counts each change once', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    table.setReferenced(operation, false);
    table.setReferenced(operation, false);
    expect(table.referenced).toBe(0);
    table.setReferenced(operation, true);
    table.setReferenced(operation, true);
    expect(table.referenced).toBe(1);
  });

  it('leaves an operation that is over alone', () => {
    const table = new OperationTable();
    const operation = acquire(table);
    table.release(operation);
    table.setReferenced(operation, true);
    expect([operation.isReferenced, table.referenced]).toEqual([false, 0]);
  });
});

describe('OperationTable.forEachInFlight', () => {
  it('visits exactly what is in flight', () => {
    const table = new OperationTable();
    const operations = Array.from({ length: 5 }, () => acquire(table));
    for (const operation of operations.filter(({ index }) => index % 2 === 1)) {
      table.release(operation);
    }
    const visited: number[] = [];
    table.forEachInFlight(({ index }) => visited.push(index));
    expect(visited).toEqual([0, 2, 4]);
  });
});

describe('OperationTable, at random', () => {
  it('agrees with a plain map over 20,000 steps', () => {
    const random = new SeededRandom();
    const table = new OperationTable();
    const model = new Map<string, Operation>();
    const over: [number, number][] = [];
    for (let step = 0; step < 20_000; step += 1) {
      if (model.size === 0 || random.chance(0.52)) {
        const operation = acquire(table);
        model.set(`${operation.index}/${operation.generation}`, operation);
      } else {
        const [key, operation] = random.pick([...model].slice(0, 64));
        over.push([operation.index, operation.generation]);
        model.delete(key);
        table.release(operation);
      }
      const late = over[random.below(over.length + 1)];
      if (late !== undefined) expect(table.find(...late), random.replay).toBeUndefined();
    }
    expect(table.inFlight, random.replay).toBe(model.size);
    expect(table.referenced, random.replay).toBe(model.size);
    for (const operation of model.values()) {
      expect(table.find(operation.index, operation.generation), random.replay).toBe(operation);
    }
  });
});
