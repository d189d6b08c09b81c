/**
 * What a channel refuses. What it does is in `test/conformance/channel.ts`, for both backends.
 */

import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Channel } from '../../../src/io/channel/channel.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';

describe('Channel', () => {
  it('refuses what cannot be, and stays usable', async () => {
    const runtime = new Runtime({ backend: 'libuv' });
    const { channel, port } = Channel.create();
    const other = Channel.open(port);
    const refused = await rejectionOf(channel.send(() => 1));
    expect(refused).toMatchObject({ name: 'DataCloneError', code: 25 });
    await channel.send(1);
    expect(await other.receive()).toBe(1);
    const bad = { signal: 1 } as unknown as { signal: AbortSignal };
    expect(await rejectionOf(other.receive(bad))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    await runtime.close();
  });

  it('refuses capacities and names that cannot be', () => {
    expect(() => Channel.create({ capacity: 1 })).toThrow(/>= 1024/);
    expect(() => Channel.create({ capcity: 1 } as object)).toThrow(/did you mean "capacity"/);
  });

  it('refuses ports of something else', () => {
    expect(() => Channel.open({} as never)).toThrow(/an instance of MessagePort/);
    const { port1, port2 } = new MessageChannel();
    expect(() => Channel.open(port1)).toThrow(/port of Channel.create/);
    port2.close();
  });
});
