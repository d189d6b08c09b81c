/**
 * Every member that the running Node's `net` has, ours have: what is missing is in a list, with
 * the reason. So a newer Node that adds one shows it here.
 */

import wholeNode, * as nodeNet from 'node:net';
import { describe, expect } from 'vitest';
import whole, * as net from '../../../src/io/net/net.ts';
import { ringTest } from '../../support/ring-test.ts';

/** Private to Node's own modules, which call them on Node's own sockets and servers. */
const PRIVATE = new Set(['_writeGeneric', '_listen2', '_setupWorker', '_workers']);

/** Names that an object and its prototypes have. Symbols are Node's own, and private. */
function namesOf(object: object): Set<string> {
  const names = new Set<string>();
  for (let one = object; one !== null && one !== Object.prototype;) {
    for (const name of Object.getOwnPropertyNames(one)) names.add(name);
    one = Object.getPrototypeOf(one) as object;
  }
  return names;
}

function missing(ours: object, nodes: object): string[] {
  const mine = namesOf(ours);
  return [...namesOf(nodes)].filter((name) => !mine.has(name) && !PRIVATE.has(name));
}

/** Functions that say another length than Node's of that name. */
function otherLengths(ours: object, nodes: object): string[] {
  return Object.getOwnPropertyNames(nodes).filter((name) => {
    const its: unknown = Object.getOwnPropertyDescriptor(nodes, name)?.value;
    const mine: unknown = Object.getOwnPropertyDescriptor(ours, name)?.value;
    if (typeof its !== 'function' || typeof mine !== 'function') return false;
    return its.length !== mine.length;
  });
}

describe('members of onering/net', () => {
  ringTest('6.1', 'are all that Node has', ({ open }) => {
    open();
    const sockets = [new net.Socket(), new nodeNet.Socket()] as const;
    const servers = [new net.Server(), new nodeNet.Server()] as const;
    expect(sockets[0]).not.toBeInstanceOf(nodeNet.Socket);
    expect({
      module: missing(whole, wholeNode),
      Socket: missing(net.Socket, nodeNet.Socket),
      Server: missing(net.Server, nodeNet.Server),
      socket: missing(...sockets),
      server: missing(...servers),
    }).toEqual({ module: [], Socket: [], Server: [], socket: [], server: [] });
    for (const socket of sockets) socket.destroy();
  });

  ringTest('6.1', 'have the lengths, and the module the names, of those of Node', () => {
    expect(otherLengths(whole, wholeNode)).toEqual([]);
    expect(otherLengths(net.Socket.prototype, nodeNet.Socket.prototype)).toEqual([]);
    expect(otherLengths(net.Server.prototype, nodeNet.Server.prototype)).toEqual([]);
    const names = (module: object): unknown[] =>
      Object.entries(module).map(([name, value]) => [name, (value as { name?: string }).name]);
    expect(names(whole)).toEqual(names(wholeNode));
  });
});
