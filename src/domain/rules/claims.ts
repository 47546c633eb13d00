/**
 * A claim by its name, or by names with dots between them, as issuers nest theirs (`realm_access.roles`). A claim whose own
 * name has dots in it, such as a URL, comes first.
 */
export function claimAt(claims: object, name: string): unknown {
  const whole = own(claims, name);
  if (whole !== undefined) return whole;
  return name.split('.').reduce<unknown>((value, step) => own(value, step), claims);
}

/** The texts of a claim that is a list of them, or one, or several with blanks between them. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(' ').filter((text) => text !== '');
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}

function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
