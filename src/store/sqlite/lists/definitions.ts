import { BUCKET_ROWS, type CatalogOptions } from './catalog.ts';

/** Events by type, within a namespace. */
export const eventLists: CatalogOptions = {
  list: 0,
  table: 'events',
  key: 'key',
  enter: [
    `INSERT INTO event_types (bucket, namespace, type, id, created_at, key)
    SELECT key / ${BUCKET_ROWS}, namespace, type, id, created_at, key
    FROM events WHERE key > ?1 AND key <= ?2 ORDER BY 1, 2, 3, 4`,
  ],
};

/** Deliveries by type, within a namespace; by type, within a webhook; and by when they were finished. */
export const deliveryLists: CatalogOptions = {
  list: 1,
  table: 'deliveries',
  key: 'ord',
  enter: [
    `INSERT INTO delivery_types (bucket, namespace, type, id, created_at, key)
    SELECT ord / ${BUCKET_ROWS}, namespace, type, id, created_at, ord
    FROM deliveries WHERE ord > ?1 AND ord <= ?2 ORDER BY 1, 2, 3, 4`,
    `INSERT INTO delivery_webhooks (bucket, webhook, type, id, created_at, key)
    SELECT ord / ${BUCKET_ROWS}, webhook, type, id, created_at, ord
    FROM deliveries WHERE ord > ?1 AND ord <= ?2 ORDER BY 1, 2, 3, 4`,
    `INSERT INTO delivery_ends (finished_at, key)
    SELECT finished_at, ord FROM deliveries WHERE ord > ?1 AND ord <= ?2 AND state > 0 ORDER BY 1, 2`,
    `UPDATE deliveries SET lasting = 1 WHERE ord > ?1 AND ord <= ?2 AND state = 0`,
  ],
};
