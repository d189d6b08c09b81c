/**
 * Waker: how the two ends of a channel wake each other once there is something in the shared
 * memory, and learn that the other is gone. One on the ring, one on Node's own `MessagePort`.
 */

/** Hears from the other end. */
export interface WakeListener {
  /** There may be messages, or room. Called more often than there is. */
  onWake(): void;
  /** The other end was closed, or its thread has ended: it reads and writes nothing any more. */
  onPeerGone(): void;
  /** This end is over: everything of it is released. */
  onClosed(): void;
}

/** One end's way to the other. */
export interface Waker {
  /** Wakes the other end. */
  wake(): void;
  /** Whether waiting keeps the process alive. */
  setReferenced(isReferenced: boolean): void;
  /** Closes this end; the other hears of it. `onClosed` follows. */
  close(): void;
}
