/** What has to be said before a clause can be followed. The message is a question, or what is in its way, for a person. */
export class Unclear extends Error {
  override readonly name = 'Unclear';
}
