import { field, integer, list, section } from './config-fields.ts';

const MIB = 1024 * 1024;

/** Git repositories that analyses, reviews and deployments read. */
export const repositories = section({
  local_roots: field(
    list.default([]),
    'Directories that repositories of this machine may lie below; without any, none is read.',
    { default_text: 'none' },
  ),
  allow_hosts: field(
    list.default([]),
    'Internal hosts, addresses or networks that repositories may be fetched from.',
    { default_text: 'none' },
  ),
  max_files: field(integer(1, 1_000_000).default(20_000), 'Files of a commit that are looked at.'),
  max_file_bytes: field(integer(1, 64 * MIB).default(MIB), 'Larger files are not read.'),
  max_total_bytes: field(
    integer(1, 16 * 1024 * MIB).default(256 * MIB),
    'Of everything that is fetched or unpacked for one run, on disk.',
  ),
  timeout_seconds: field(integer(1, 3600).default(300), 'For fetching a repository.'),
});
