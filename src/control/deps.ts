import type { Clock } from '../domain/clock.ts';
import type { Random } from '../domain/random.ts';
import type { SealKey } from '../domain/seal.ts';
import type { AddressPolicy } from '../domain/webhook/address.ts';
import type { DefaultSettings } from '../domain/webhook/defaults.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { NamespaceDirectory } from '../store/namespace-directory.ts';
import type { SigningKeyring } from '../store/signing-keyring.ts';
import type { Store } from '../store/store.ts';
import type { KeyRotation } from './key-rotation.ts';

/** What the use cases work with; each takes the part that it uses. */
export interface ControlDeps {
  readonly store: Pick<
    Store,
    | 'createNamespaces'
    | 'updateNamespaces'
    | 'getNamespaces'
    | 'listNamespaces'
    | 'namespaceUsage'
    | 'createWebhooks'
    | 'updateWebhooks'
    | 'getWebhooks'
    | 'resolveWebhooks'
    | 'findWebhook'
    | 'scanWebhooks'
    | 'getTraffic'
    | 'removeWebhooks'
    | 'publish'
    | 'scanDeliveries'
    | 'backfillRuns'
    | 'getDelivery'
    | 'getContents'
    | 'changesSince'
    | 'onChanges'
    | 'retryDeliveries'
    | 'cancelDeliveries'
    | 'resolveEvents'
    | 'getEvents'
    | 'scanEvents'
    | 'purgeEvents'
    | 'claimRequests'
    | 'answerRequests'
    | 'releaseRequests'
    | 'createApiKeys'
    | 'listApiKeys'
    | 'revokeApiKeys'
    | 'emptyLog'
    | 'onBehalf'
    | 'enterRefusals'
    | 'scanAuditEntries'
    | 'getStandby'
    | 'takeOver'
  >;
  readonly namespaces: NamespaceDirectory;
  readonly clock: Clock;
  readonly random: Random;
  /** Seals signing secrets, and answers that are remembered; `SEALING_KEY_BYTES` long. */
  readonly sealKey: SealKey;
  /** Replaces the key that seals. */
  readonly sealRotation: KeyRotation;
  /** The keys by which namespaces sign. */
  readonly signingKeyring: Pick<SigningKeyring, 'ensure'>;
  readonly settings: ControlSettings;
  /** Called when there is a webhook whose destination is not verified, and was none before. */
  readonly onUnverified?: (webhook: Webhook) => void;
}

export interface ControlSettings extends DefaultSettings {
  /** The least time between two runs of a schedule. */
  readonly everyMinMs: number;
  /** Deliveries that may wait in a namespace that says nothing. */
  readonly namespaceWaitingMax: number;
  /** Where destinations may point. */
  readonly addressPolicy: AddressPolicy;
}

/** The part of what the use cases work with, with these verbs of the store. */
export type Needs<
  Verb extends keyof ControlDeps['store'],
  Rest extends Exclude<keyof ControlDeps, 'store'> = never,
> = { readonly store: Pick<ControlDeps['store'], Verb> } & Pick<ControlDeps, Rest>;
