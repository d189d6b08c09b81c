/**
 * What failures mean: to a client as a status, to the person at the terminal as one line.
 */

/** The `code` of an error, or an empty string. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** One line that names an error. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replaceAll(/\s*\n\s*/g, ' ');
}

/** The status for a request whose file could not be opened, listed or read. */
export function statusOf(error: unknown): 403 | 404 | 500 | 503 {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    // Links in a circle lead nowhere.
    case 'ELOOP':
      return 404;
    case 'EACCES':
    case 'EPERM':
    // A symbolic link leads out of the folder.
    case 'EXDEV':
    // A device without a driver, a socket.
    case 'ENXIO':
    case 'ENODEV':
      return 403;
    // Links were changed while they were followed.
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      return 503;
    default:
      return 500;
  }
}

/** Says why the folder cannot be served. */
export function describeFolderFailure(error: unknown, folder: string): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return `There is no folder ${folder}`;
    case 'ENOTDIR':
      return `${folder} is not a folder`;
    case 'EACCES':
    case 'EPERM':
      return `No permission to read the folder ${folder}`;
    default:
      return `Cannot open the folder ${folder}: ${describeError(error)}`;
  }
}

/** Says why nobody can be listened to. */
export function describeListenFailure(error: unknown, hostname: string, port: number): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `Port ${port} of ${hostname} is taken: choose another with --port, 0 for any free one`;
    case 'EACCES':
    case 'EPERM':
      return `No permission to listen on port ${port}: choose another with --port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${hostname} is not an address of this machine: choose another with --host`;
    default:
      return `Cannot listen on port ${port} of ${hostname}: ${describeError(error)}`;
  }
}
