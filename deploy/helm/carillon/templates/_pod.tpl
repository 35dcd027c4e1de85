{{/* The pod, which is the same whoever makes it. */}}
{{- define "carillon.pod" -}}
metadata:
  labels:
    {{- include "carillon.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Another secret is another pod.
    checksum/secret: {{ toJson .Values.secret | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  # --stop-timeout and ten more: by then the process has ended by itself.
  terminationGracePeriodSeconds: {{ add .Values.stopTimeoutSeconds 10 }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 1000
    runAsGroup: 1000
    # So that it can write to its volume, and read its certificate.
    fsGroup: 1000
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: carillon
      image: {{ include "carillon.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{ concat (list "serve") (.Values.args | default list) | toJson }}
      ports:
        - name: {{ include "carillon.scheme" . }}
          containerPort: 8090
        - name: grpc
          containerPort: 8091
      env:
        - name: CARILLON_STOP_TIMEOUT
          value: {{ printf "%ds" (int .Values.stopTimeoutSeconds) | quote }}
        - name: CARILLON_ALLOWED_HOSTS
          value: {{ include "carillon.allowedHosts" . | quote }}
        {{- with .Values.trustedProxies }}
        - name: CARILLON_TRUSTED_PROXIES
          value: {{ join "," . | quote }}
        {{- end }}
        {{- if .Values.tls.secretName }}
        - name: CARILLON_TLS_CERT
          value: /etc/carillon/tls/tls.crt
        - name: CARILLON_TLS_KEY
          value: /etc/carillon/tls/tls.key
        {{- else }}
        - name: CARILLON_PLAINTEXT
          value: "true"
        {{- end }}
        {{- if .Values.tls.clientCaSecretName }}
        - name: CARILLON_TLS_CLIENT_CA
          value: /etc/carillon/client-ca/ca.crt
        {{- end }}
        {{- range $name, $value := .Values.settings }}
        - name: CARILLON_{{ upper $name }}
          value: {{ include "carillon.setting" $value | quote }}
        {{- end }}
        {{- if eq .Values.store "postgres" }}
        # Named, so that a Secret without them is said to lack them, and nothing begins with an empty database.
        {{- range list "CARILLON_STORE" "CARILLON_SECRETS_KEY" }}
        - name: {{ . }}
          valueFrom:
            secretKeyRef:
              name: {{ include "carillon.secretName" $ }}
              key: {{ . }}
        {{- end }}
        {{- end }}
      {{- with include "carillon.secretName" . }}
      envFrom:
        - secretRef:
            name: {{ . }}
      {{- end }}
      # It listens when its database is there and brought up to date.
      startupProbe:
        httpGet:
          path: /livez
          port: {{ include "carillon.scheme" . }}
          scheme: {{ include "carillon.scheme" . | upper }}
        periodSeconds: 2
        failureThreshold: {{ div .Values.startTimeoutSeconds 2 }}
      # Patient: a restart makes a server that has much to do no faster.
      livenessProbe:
        httpGet:
          path: /livez
          port: {{ include "carillon.scheme" . }}
          scheme: {{ include "carillon.scheme" . | upper }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /readyz
          port: {{ include "carillon.scheme" . }}
          scheme: {{ include "carillon.scheme" . | upper }}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if or (eq .Values.store "sqlite") .Values.tls.secretName }}
      volumeMounts:
        {{- if eq .Values.store "sqlite" }}
        - name: data
          mountPath: /var/lib/carillon
        {{- end }}
        {{- if .Values.tls.secretName }}
        - name: tls
          mountPath: /etc/carillon/tls
          readOnly: true
        {{- end }}
        {{- if .Values.tls.clientCaSecretName }}
        - name: client-ca
          mountPath: /etc/carillon/client-ca
          readOnly: true
        {{- end }}
      {{- end }}
  {{- if .Values.tls.secretName }}
  volumes:
    - name: tls
      secret:
        secretName: {{ .Values.tls.secretName }}
        defaultMode: 0440
    {{- if .Values.tls.clientCaSecretName }}
    - name: client-ca
      secret:
        secretName: {{ .Values.tls.clientCaSecretName }}
        defaultMode: 0440
        items:
          - key: ca.crt
            path: ca.crt
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "carillon.scheme" -}}
{{ ternary "https" "http" (ne .Values.tls.secretName "") }}
{{- end -}}
