import type { NamespaceKeyRow, RequestRow, SealKeyRow, WebhookRow } from '../rows/tables.ts';

/** The verbs about what is sealed: what each is given and what it answers. */
export interface SealingShapes {
  unsealedWebhooks: { args: number; answer: WebhookRow[] };
  sealWebhooks: { args: readonly WebhookRow[]; answer: null };
  listSealKeys: { args: null; answer: SealKeyRow[] };
  /** Answers which of them were not noted before. */
  noteSealKeys: { args: [id: string, usedAt: number][]; answer: boolean[] };
  keepSealKey: { args: [id: string, aloneAt: number]; answer: null };
  countSealable: { args: null; answer: number };
  walkWebhooks: { args: [after: string, limit: number]; answer: WebhookRow[] };
  walkRequests: { args: [namespace: string, id: string, limit: number]; answer: RequestRow[] };
  resealWebhooks: { args: [from: WebhookRow, to: WebhookRow][]; answer: boolean[] };
  resealNamespaceKeys: { args: [from: NamespaceKeyRow, to: NamespaceKeyRow][]; answer: boolean[] };
  resealRequests: { args: [from: RequestRow, to: RequestRow][]; answer: boolean[] };
}
