// Receives webhooks and believes only those that are genuine.
//
//	go mod init receiver
//	go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1
//	WEBHOOK_SECRET=whsec_… go run .
package main

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Data is at most 1 MiB, which base64 makes longer. Whoever knows the URL could send without end.
const bodyBytesMax = 2 << 20

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
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytesMax))
		if err == nil {
			err = webhook.Verify(body, r.Header)
		}
		if err != nil {
			log.Printf("refused: %v", err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		// A delivery can come twice, after a crash here or there: then with the same webhook-id.
		fmt.Printf("%s %s\n", r.Header.Get("webhook-id"), body)
		w.WriteHeader(http.StatusNoContent)
	}
}
