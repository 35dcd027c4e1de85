/** The fields of a webhook that say how it is, by their names in the proto file. No caller sets them. */
export const OUTPUT_ONLY: ReadonlySet<string> = new Set([
  ...['uid', 'effective', 'etag', 'state', 'state_reason', 'create_time', 'update_time'],
  ...['next_run_time', 'run_count', 'skipped_run_count', 'filter_failure_count'],
  ...['failing_since_time', 'probe_time'],
]);
