import path from 'node:path';
import { field, list, word } from './config-fields.ts';

/** Fields of the section `analysis`: who knows the flaws of the packages in lock files. */
export const advisoryFields = {
  advisories: field(
    word
      .refine(isPlace, 'must be an http or https URL without user name, query and fragment, or a directory')
      .optional(),
    'Who knows the flaws of packages in lock files: the address of a server with the OSV API, without `/v1`, or a directory of OSV documents.',
    { default_text: 'nobody' },
  ),
  advisories_allow_hosts: field(
    list.default([]),
    'Hosts and CIDR ranges that the server of advisories may be at although they are private.',
  ),
};

export type AdvisoryPlace = { kind: 'api'; base_url: string } | { kind: 'directory'; directory: string };

/** What the setting `analysis.advisories` means; a relative directory is one below `cwd`. */
export function advisoryPlace(setting: string | undefined, cwd: string): AdvisoryPlace | undefined {
  if (setting === undefined) return undefined;
  return isAddress(setting)
    ? { kind: 'api', base_url: setting.replace(/\/+$/, '') }
    : { kind: 'directory', directory: path.resolve(cwd, setting) };
}

const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]{0,20}:\/\//i.test(text);

function isPlace(text: string): boolean {
  if (!isAddress(text)) return !text.includes('\0');
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}
