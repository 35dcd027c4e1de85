// Receives webhooks and believes only those that are genuine.
//
//	go mod init receiver
//	go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1
//	WEBHOOK_SECRET=whsec_… go run .
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type event struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "4000"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, receiver(webhook)))
}

func receiver(webhook *standardwebhooks.Webhook) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// The bytes as they came: JSON that was parsed and written again has another signature.
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = webhook.Verify(body, r.Header)
		}
		if err != nil {
			log.Printf("refused: %v", err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var happened event
		if err := json.Unmarshal(body, &happened); err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		// A delivery can come twice, after a crash here or there: then with the same webhook-id.
		fmt.Printf("%s %s %s\n", r.Header.Get("webhook-id"), happened.Type, happened.Data)
		w.WriteHeader(http.StatusNoContent)
	}
}
