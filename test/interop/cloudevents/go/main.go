// Reads requests, a line of JSON each, with the CloudEvents SDK, and prints what they are to it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

type request struct {
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

type read struct {
	ID      string `json:"id,omitempty"`
	Source  string `json:"source,omitempty"`
	Type    string `json:"type,omitempty"`
	Subject string `json:"subject,omitempty"`
	Tenant  any    `json:"tenant,omitempty"`
	Time    int64  `json:"time,omitempty"`
	Bytes   []byte `json:"bytes,omitempty"`
	Refused string `json:"refused,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(readOne(lines.Bytes())); err != nil {
			panic(err)
		}
	}
}

func readOne(line []byte) read {
	var given request
	if err := json.Unmarshal(line, &given); err != nil {
		panic(err)
	}
	post, err := http.NewRequest(http.MethodPost, "http://127.0.0.1/", bytes.NewReader(given.Body))
	if err != nil {
		panic(err)
	}
	for name, value := range given.Headers {
		post.Header.Set(name, value)
	}
	event, err := cehttp.NewEventFromHTTPRequest(post)
	if err != nil {
		return read{Refused: err.Error()}
	}
	return read{
		ID: event.ID(), Source: event.Source(), Type: event.Type(), Subject: event.Subject(),
		Tenant: event.Extensions()["tenant"], Time: event.Time().UnixMilli(), Bytes: event.Data(),
	}
}
