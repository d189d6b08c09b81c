/**
 * A handle that goes to another thread, in the transfer list of a `postMessage`: it leaves its ring
 * and travels as Node's own object, so what arrives is a handle of Node's.
 *
 * Not a way to share one: here it is closed from then on, as in Node. Node asks for what is to
 * travel (the list) before it serializes the message, and hands over afterwards; if the message
 * fails in between, the descriptor has never changed hands and the handle stays usable.
 */

import type { RingDescriptor } from './ring-descriptor.ts';

/** Node's own object with a descriptor, which the messages of Node can carry. */
export interface Carrier {
  /** Takes the descriptor out again, open. */
  releaseFD(): number;
}

export type CarrierClass = new (fd: number) => Carrier;

/** What Node's class returns when it is transferred. */
interface Transferred {
  readonly data: { readonly handle: unknown };
}

interface Transferable {
  readonly prototype: object;
}

/** The class of the object that a handle of Node's stands on. */
export function carrierClassOf(sample: object): CarrierClass | null {
  const key = Object.getOwnPropertySymbols(sample).find(isNamed('kHandle'));
  const carrier = key === undefined ? null : (Reflect.get(sample, key) as Carrier | null);
  return typeof carrier?.releaseFD === 'function' ? (carrier.constructor as CarrierClass) : null;
}

/** Has handles of a derived class travel; where Node's class is another than known, they refuse. */
export function makeTransferable(
  base: Transferable,
  derived: Transferable,
  carrierClass: CarrierClass | null,
): void {
  const listKey = keyOf(base, 'messaging_transfer_list_symbol');
  const transferKey = keyOf(base, 'messaging_transfer_symbol');
  if (transferKey === undefined) return;
  const list = listKey === undefined ? undefined : Reflect.get(base.prototype, listKey);
  const transfer = Reflect.get(base.prototype, transferKey);
  if (listKey === undefined || !isMethod(list) || !isMethod(transfer) || carrierClass === null) {
    define(derived, transferKey, refuse);
    return;
  }
  const descriptorOf = (handle: object): RingDescriptor | null =>
    (list.call(handle) as (RingDescriptor | null)[])[0] ?? null;
  define(derived, listKey, function leaving(this: object): unknown[] {
    const descriptor = descriptorOf(this);
    return descriptor === null || !mayLeave(descriptor) ? [] : [descriptor.carrier(carrierClass)];
  });
  define(derived, transferKey, function leave(this: object): unknown {
    const descriptor = descriptorOf(this);
    if (descriptor !== null && !mayLeave(descriptor)) refuse();
    // Node's own says no while a stream, or a method of Node's, uses the handle.
    const transferred = transfer.call(this) as Transferred;
    if (descriptor === null) return transferred;
    return { ...transferred, data: { handle: descriptor.leave(carrierClass) } };
  });
}

function mayLeave(descriptor: RingDescriptor): boolean {
  return descriptor.isOpen && !descriptor.isBusy;
}

function refuse(): never {
  throw new DOMException('Cannot transfer FileHandle while in use', 'DataCloneError');
}

function isMethod(value: unknown): value is (this: object) => unknown {
  return typeof value === 'function';
}

function isNamed(name: string): (symbol: symbol) => boolean {
  return ({ description }) => description === name;
}

function keyOf({ prototype }: Transferable, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(prototype).find(isNamed(name));
}

function define({ prototype }: Transferable, key: symbol, value: (this: object) => unknown): void {
  Object.defineProperty(prototype, key, { value, configurable: true, writable: true });
}
