const MAX_BYTES = 250;
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]/;

/** Whether the text is a full commit id; short ones cannot be asked for over the wire. */
export const isCommitId = (text: string): boolean => COMMIT.test(text);

/**
 * Why a text is not a name of a branch, tag or other ref (the rules of `git check-ref-format`, one level allowed), or
 * null when it is one. Nothing that git could take for an option, a range or a refspec passes.
 */
export function refRefusal(ref: string): string | null {
  if (ref === '') return 'a ref needs a name';
  if (Buffer.byteLength(ref) > MAX_BYTES) return `a ref may have ${MAX_BYTES} bytes`;
  if (/\p{Surrogate}/u.test(ref)) return 'a ref is text';
  if (ref.startsWith('-')) return 'a ref may not begin with a dash';
  if (FORBIDDEN.test(ref)) return 'a ref may not hold spaces, control characters or any of ~^:?*[\\';
  if (ref === '@' || ref.includes('@{')) return 'a ref may not be @ or hold @{';
  if (ref.includes('..') || ref.endsWith('.')) return 'a ref may not hold .. or end with a dot';
  const bad = ref.split('/').some((part) => part === '' || part.startsWith('.') || part.endsWith('.lock'));
  return bad ? 'no part of a ref may be empty, begin with a dot or end with .lock' : null;
}
