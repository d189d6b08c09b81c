/**
 * What the laboratory cannot do without and does not have: a reason for people, not a defect.
 *
 * The command says it and ends well, unless it was told to insist. Everything else that is thrown
 * is a failure.
 */

/** Something outside of this project is not there: a program, the network, a kernel. */
export class Missing extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Missing';
  }
}
