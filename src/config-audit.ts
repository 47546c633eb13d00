import { field, integer, section } from './config-fields.ts';

/** The log of every write. */
export const audit = section({
  seal_interval_seconds: field(
    integer(1, 3600).default(1),
    'How often what was done is chained to what was done before.',
  ),
});
