/**
 * Corking: what waits, what goes out together, and whose promise hears of it.
 */

import { describe, expect, it } from 'vitest';
import { WriteCork } from '../../../src/io/stream/write-cork.ts';
import { FakeConnection } from '../../support/fake-connection.ts';

function open(): { connection: FakeConnection; cork: WriteCork; told: string[] } {
  const connection = new FakeConnection();
  return { connection, cork: new WriteCork(connection), told: [] };
}

const sent = ({ sends }: FakeConnection): string[] => sends.map(({ bytes }) => String(bytes));

describe('WriteCork', () => {
  it('passes on what is not corked', () => {
    const { connection, cork } = open();
    const bytes = Buffer.from('a');
    cork.send(bytes, () => {});
    expect(connection.sends[0]?.bytes).toBe(bytes);
  });

  it('holds back until as many uncorks, then sends once', () => {
    const { connection, cork, told } = open();
    cork.cork();
    cork.cork();
    for (const text of ['a', 'b', 'c']) {
      cork.send(Buffer.from(text), (error) => void told.push(`${text} ${error?.message ?? 'ok'}`));
    }
    cork.uncork();
    expect([cork.isCorked, sent(connection)]).toEqual([true, []]);
    cork.uncork();
    expect([cork.isCorked, sent(connection)]).toEqual([false, ['abc']]);
    connection.finishSend(new Error('lost'));
    expect(told).toEqual(['a lost', 'b lost', 'c lost']);
    cork.uncork();
    cork.send(Buffer.from('d'), () => {});
    expect(sent(connection)).toEqual(['d']);
  });

  it('sends large pieces from where they are', () => {
    const { connection, cork, told } = open();
    const large = Buffer.alloc(64 * 1024, 'x');
    cork.sendAll([Buffer.from('1'), Buffer.from('2'), large, Buffer.from('3')], () => {
      told.push('done');
    });
    expect(connection.sends.map(({ bytes }) => bytes.length)).toEqual([2, large.length, 1]);
    expect(connection.sends[1]?.bytes).toBe(large);
    connection.finishSend();
    connection.finishSend();
    expect(told).toEqual([]);
    connection.finishSend();
    expect(told).toEqual(['done']);
  });

  it('opens however often it was corked', () => {
    const { connection, cork } = open();
    cork.cork();
    cork.cork();
    cork.sendAll([Buffer.from('a'), Buffer.from('b')], () => {});
    cork.open();
    expect([cork.isCorked, sent(connection)]).toEqual([false, ['ab']]);
  });
});
