{{/* The name of everything: that of the release, with the chart's unless it has it already. */}}
{{- define "carillon.name" -}}
{{- $name := ternary .Release.Name (printf "%s-carillon" .Release.Name) (contains "carillon" .Release.Name) -}}
{{- $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* What a Service and its pods have in common for as long as they live. */}}
{{- define "carillon.selector" -}}
app.kubernetes.io/name: carillon
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "carillon.labels" -}}
{{ include "carillon.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "carillon.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the variables that are secret, or nothing. */}}
{{- define "carillon.secretName" -}}
{{- if .Values.secretName -}}
{{ .Values.secretName }}
{{- else if .Values.secret -}}
{{ include "carillon.name" . }}
{{- end -}}
{{- end -}}

{{/* The names by which callers in the cluster reach the Service, and those that the values add. */}}
{{- define "carillon.allowedHosts" -}}
{{- $name := include "carillon.name" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $own := list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.%s" $name $namespace .Values.clusterDomain) -}}
{{- concat $own .Values.allowedHosts | uniq | join "," -}}
{{- end -}}

{{/* A setting as its variable has it. Numbers are not written as 1e+07. */}}
{{- define "carillon.setting" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if kindIs "float64" . -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* Says what is missing, rather than to install what does not start. */}}
{{- define "carillon.check" -}}
{{- if and (not .Values.tls.secretName) (not .Values.plaintext) -}}
{{- fail "it would have no TLS, so that others on the way could read keys and payloads: name a Secret with a certificate in tls.secretName, or say plaintext=true if TLS ends in front of it" -}}
{{- end -}}
{{- if and .Values.tls.secretName .Values.plaintext -}}
{{- fail "tls.secretName and plaintext are both set; give only one of them" -}}
{{- end -}}
{{- if and .Values.tls.clientCaSecretName (not .Values.tls.secretName) -}}
{{- fail "tls.clientCaSecretName is set without tls.secretName; give that too" -}}
{{- end -}}
{{- if and .Values.secretName .Values.secret -}}
{{- fail "secretName and secret are both set; give only one of them" -}}
{{- end -}}
{{- if not (or .Values.secretName .Values.secret .Values.settings.no_keys) -}}
{{- fail "there is no key, so that whoever reaches it could do everything: name a Secret that has CARILLON_BOOTSTRAP_KEY in secretName, or give it in secret" -}}
{{- end -}}
{{- if .Values.secret -}}
{{- range (eq .Values.store "postgres" | ternary (list "CARILLON_STORE" "CARILLON_SECRETS_KEY") (list)) -}}
{{- if not (hasKey $.Values.secret .) -}}
{{- fail (printf "secret lacks %s, which store=postgres needs" .) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .Values.store "sqlite") (hasKey .Values.secret "CARILLON_STORE") -}}
{{- fail "secret has CARILLON_STORE, and store is sqlite; say store=postgres" -}}
{{- end -}}
{{- else if and (eq .Values.store "postgres") (not .Values.secretName) -}}
{{- fail "store=postgres needs CARILLON_STORE and CARILLON_SECRETS_KEY: name a Secret that has them in secretName, or give them in secret" -}}
{{- end -}}
{{- end -}}
