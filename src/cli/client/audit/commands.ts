import { type Command, PAGE } from '../command.ts';

export const AUDIT: Command = {
  verb: 'audit',
  about: 'Show who changed what, when and from where, newest first; and who was refused it.',
  notes: 'It names keys, resources and fields, and never a value. It takes a key with the role admin.',
  options: [
    {
      flag: '--all-namespaces',
      about: 'Those of every namespace, and those that are in none: of namespaces, and of keys for all.',
      field: 'all_namespaces',
    },
    {
      flag: '--resource',
      value: 'id',
      about: 'Only those that changed this webhook, event, delivery, key or namespace.',
      field: 'filter',
    },
    {
      flag: '--caller',
      value: 'id',
      about: 'Only those of this key, by its id, or of the certificate with this name.',
      field: 'filter',
    },
    { flag: '--refused', about: 'Only calls that were refused.', field: 'filter' },
    {
      flag: '--since',
      value: 'time',
      about: 'Only those made at this time (RFC 3339) or later, or so long ago (2h).',
      field: 'filter',
    },
    { flag: '--until', value: 'time', about: 'Only those made before this time.', field: 'filter' },
    {
      flag: '--filter',
      value: 'filter',
      about: 'Only those for which this is true, as the API has it: method = carillon.v1.AdminService/*',
      field: 'filter',
    },
    {
      flag: '--order-by',
      value: 'create_time',
      about: 'Oldest first (default create_time desc).',
      field: 'order_by',
    },
    ...PAGE,
  ],
  examples: ['', '--resource shop --since 2d', '--all-namespaces --refused --json'],
};
