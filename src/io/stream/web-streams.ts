/**
 * A stream's two directions as web streams: pulled by their reader, and written when the kernel has
 * the bytes, so that both slow down who is too fast.
 */

import type { SocketStream } from './socket-stream.ts';

/** What arrives. Nothing is read ahead; canceling destroys the stream. */
export function readableOf(stream: SocketStream): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const chunk = await stream.read();
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => stream.destroy(),
    },
    { highWaterMark: 0 },
  );
}

/** What is sent. Closing it shuts this direction down; aborting destroys the stream. */
export function writableOf(stream: SocketStream): WritableStream<string | Uint8Array> {
  return new WritableStream<string | Uint8Array>({
    write: (chunk) => stream.write(chunk),
    close: () => stream.shutdown(),
    abort: () => stream.destroy(),
  });
}
