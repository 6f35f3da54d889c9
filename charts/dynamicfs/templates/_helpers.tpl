{{- define "dynamicfs.image" -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion -}}
{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ $tag }}{{ end }}
{{- end -}}

{{- define "dynamicfs.labels" -}}
app.kubernetes.io/name: dynamicfs
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* Names are fixed: a cluster has one DynamicFS, as it has one CSI driver of a name. */}}
{{- define "dynamicfs.selector" -}}
app.kubernetes.io/name: dynamicfs
app.kubernetes.io/component: {{ . }}
{{- end -}}

{{/* A container that meets the Restricted standard when its pod names a user. */}}
{{- define "dynamicfs.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* How a program starts: the image's own options, then the heap, then what it is to do. */}}
{{- define "dynamicfs.java" -}}
[java, "@jvm.options", -Xmx{{ . }}, -jar, dynamicfs.jar]
{{- end -}}

{{- define "dynamicfs.podEnv" -}}
- {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
- {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
{{- end -}}
