/**
 * A chat: what one says in a line, all others hear. The first line is one's name; a connection that
 * does not listen is dropped before it holds everybody's words in memory.
 *
 *   node dist/examples/chat.js --port 6667      then, twice:  nc 127.0.0.1 6667
 */

import { TcpListener } from 'onering';
import type { TcpSocket } from 'onering';
import { readArguments } from './arguments.ts';

/** What may wait for one who is slow. */
const QUEUED_MAX = 1024 * 1024;
/** The longest line. */
const LINE_MAX = 4096;

class Guest {
  name = '';
  line = '';
  readonly socket: TcpSocket;

  constructor(socket: TcpSocket) {
    this.socket = socket;
  }

  hear(text: string): void {
    this.socket.write(text);
    if (this.socket.queuedBytes > QUEUED_MAX) this.socket.destroy();
  }
}

const guests = new Set<Guest>();

function tellOthers(speaker: Guest, text: string): void {
  for (const guest of guests) {
    if (guest !== speaker && guest.name !== '') guest.hear(text);
  }
}

function say(guest: Guest, line: string): void {
  if (guest.name !== '') {
    tellOthers(guest, `${guest.name}: ${line}\n`);
    return;
  }
  guest.name = line.slice(0, 32) || 'somebody';
  guest.hear(`welcome, ${guest.name}; ${guests.size} here\n`);
  tellOthers(guest, `* ${guest.name} comes in\n`);
}

const { port } = readArguments({ port: '6667' });
const listener = await TcpListener.listen({
  hostname: '127.0.0.1',
  port: Number(port),
  socket: {
    open(socket) {
      const guest = new Guest(socket);
      socket.data = guest;
      guests.add(guest);
    },
    data(socket, chunk) {
      const guest = socket.data as Guest;
      const lines = (guest.line + String(chunk)).split(/\r?\n/);
      guest.line = lines.pop() ?? '';
      for (const line of lines) say(guest, line);
      if (guest.line.length > LINE_MAX) socket.destroy();
    },
    close(socket) {
      const guest = socket.data as Guest;
      guests.delete(guest);
      if (guest.name !== '') tellOthers(guest, `* ${guest.name} leaves\n`);
    },
    error() {
      // A peer that vanished; `close` follows.
    },
  },
});
console.log(`listening on ${listener.address().port}`);
