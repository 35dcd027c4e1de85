package main

import (
	"context"
	"fmt"
	"log"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	carillon "example/gen/carillon/v1"
)

func main() {
	ctx := context.Background()
	connection, err := grpc.NewClient("127.0.0.1:8091", grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	webhooks, events := carillon.NewWebhookServiceClient(connection), carillon.NewEventServiceClient(connection)

	registered, err := webhooks.Register(ctx, &carillon.RegisterRequest{Webhook: &carillon.Webhook{
		Id: "shop", Name: "shop", Destination: "http://127.0.0.1:8090/inbox/shop", EventTypes: []string{"order.*"},
	}})
	check(err)
	fmt.Println("registered", registered.Webhook.Id, registered.Secret)
	listed, err := webhooks.List(ctx, &carillon.ListRequest{})
	check(err)
	fmt.Println("listed", listed.Webhooks[0].Id)

	order, err := structpb.NewValue(map[string]any{"order": 1001, "total": 42})
	check(err)
	published, err := events.Publish(ctx, &carillon.PublishRequest{Event: &carillon.Event{
		Id: "order-1001", Type: "order.paid", Data: &carillon.Event_Json{Json: order},
	}})
	check(err)
	fmt.Println("published", published.Id, published.DeliveryCount)

	_, err = webhooks.Get(ctx, &carillon.GetRequest{Id: "nothing"})
	for _, detail := range status.Convert(err).Details() {
		if resource, ok := detail.(*errdetails.ResourceInfo); ok {
			fmt.Println(status.Code(err), resource.ResourceType, resource.ResourceName)
		}
	}

	removed, err := webhooks.Remove(ctx, &carillon.RemoveRequest{Id: "shop"})
	check(err)
	fmt.Println("removed", removed.Ids[0])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
