import { DEFAULT_NAMESPACE } from '../webhook/webhook.ts';

/** Who calls. Callers cannot say who they are yet, so there is one principal, which may call every method. */
export interface Principal {
  readonly kind: 'ANONYMOUS';
  /** The namespaces that its requests may name. */
  readonly namespaces: readonly string[];
}

export const ANONYMOUS: Principal = { kind: 'ANONYMOUS', namespaces: [DEFAULT_NAMESPACE] };
