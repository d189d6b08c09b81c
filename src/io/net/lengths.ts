/**
 * How many parameters functions say they have: as Node's do, for programs that wrap them and ask.
 * Ours take rest parameters, or fewer, where that is what they look at.
 */

/** Gives each function of ours the length that Node's function of that name has. */
export function takeLengths(ours: object, nodes: object): void {
  for (const name of Object.getOwnPropertyNames(nodes)) {
    const mine: unknown = Object.getOwnPropertyDescriptor(ours, name)?.value;
    const its: unknown = Object.getOwnPropertyDescriptor(nodes, name)?.value;
    if (typeof mine !== 'function' || typeof its !== 'function') continue;
    if (mine.length !== its.length && name !== 'constructor') {
      Object.defineProperty(mine, 'length', { value: its.length, configurable: true });
    }
  }
}
