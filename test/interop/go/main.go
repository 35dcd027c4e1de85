// Visits a running Carillon with generated code, as any Go program would, and prints what it saw as JSON:
// the `Visit` that test/interop/visit.ts describes and judges.
//
//	visit <host:port> <destination> <name>
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	carillon "carillon.test/interop/gen/carillon/v1"
)

type visit struct {
	Registered registration      `json:"registered"`
	Again      registration      `json:"again"`
	Refused    refusal           `json:"refused"`
	Name       string            `json:"name"`
	Listed     []string          `json:"listed"`
	RunTimes   []string          `json:"runTimes"`
	Labels     map[string]string `json:"labels"`
	Paused     string            `json:"paused"`
	WhilePause refusal           `json:"triggeredWhilePaused"`
	Resumed    string            `json:"resumed"`
	Triggered  string            `json:"triggered"`
	Delivery   delivery          `json:"delivery"`
	Published  publication       `json:"published"`
	Republish  publication       `json:"publishedAgain"`
	Reserved   refusal           `json:"refusedEvent"`
	Deliveries []string          `json:"deliveries"`
	EventSent  delivery          `json:"eventDelivery"`
	Removed    []string          `json:"removed"`
	Missing    refusal           `json:"missing"`
}

type registration struct {
	ID      string `json:"id"`
	Secret  string `json:"secret"`
	Created bool   `json:"created"`
}

type publication struct {
	ID         string `json:"id"`
	Deliveries int64  `json:"deliveries"`
	Duplicate  bool   `json:"duplicate"`
}

type refusal struct {
	Code   uint32   `json:"code"`
	Fields []string `json:"fields"`
}

type delivery struct {
	State    string  `json:"state"`
	Statuses []int32 `json:"statuses"`
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: visit <host:port> <destination> <name>"))
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fail(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	seen, err := look(ctx, connection, os.Args[2], os.Args[3])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(seen); err != nil {
		fail(err)
	}
}

func look(ctx context.Context, connection *grpc.ClientConn, destination, name string) (*visit, error) {
	webhooks := carillon.NewWebhookServiceClient(connection)
	deliveries := carillon.NewDeliveryServiceClient(connection)
	events := carillon.NewEventServiceClient(connection)
	seen := &visit{}

	registration := &carillon.RegisterRequest{Webhook: &carillon.Webhook{
		Name:        name,
		Destination: destination,
		Schedule: &carillon.Schedule{
			When:     &carillon.Schedule_Cron{Cron: "0 0 1 1 *"},
			TimeZone: "Europe/Vienna",
		},
		EventTypes: []string{"visit.*"},
	}}
	registered, err := webhooks.Register(ctx, registration)
	if err != nil {
		return nil, err
	}
	id := registered.Webhook.Id
	seen.Registered = registrationOf(registered)

	again, err := webhooks.Register(ctx, registration)
	if err != nil {
		return nil, err
	}
	seen.Again = registrationOf(again)

	_, err = webhooks.Register(ctx, &carillon.RegisterRequest{
		Webhook: &carillon.Webhook{Name: name, Destination: "ftp://example.com/"},
	})
	seen.Refused = refusalOf(err)

	got, err := webhooks.Get(ctx, &carillon.GetRequest{Id: id})
	if err != nil {
		return nil, err
	}
	seen.Name = got.Webhook.Name

	listed, err := webhooks.List(ctx, &carillon.ListRequest{Filter: fmt.Sprintf("name = %q", name)})
	if err != nil {
		return nil, err
	}
	for _, webhook := range listed.Webhooks {
		seen.Listed = append(seen.Listed, webhook.Id)
	}

	preview, err := webhooks.PreviewSchedule(ctx, &carillon.PreviewScheduleRequest{
		Source: &carillon.PreviewScheduleRequest_Id{Id: id},
		Count:  2,
		AfterTime: timestamppb.New(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)),
	})
	if err != nil {
		return nil, err
	}
	for _, runTime := range preview.RunTimes {
		seen.RunTimes = append(seen.RunTimes, runTime.AsTime().Format(time.RFC3339))
	}

	updated, err := webhooks.Update(ctx, &carillon.UpdateRequest{
		Webhook:    &carillon.Webhook{Id: id, Labels: map[string]string{"visitor": name}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}},
	})
	if err != nil {
		return nil, err
	}
	seen.Labels = updated.Webhook.Labels

	paused, err := webhooks.Pause(ctx, &carillon.PauseRequest{Id: id})
	if err != nil {
		return nil, err
	}
	seen.Paused = paused.Webhook.State.String()
	_, err = webhooks.Trigger(ctx, &carillon.TriggerRequest{Id: id})
	seen.WhilePause = refusalOf(err)
	resumed, err := webhooks.Resume(ctx, &carillon.ResumeRequest{Id: id})
	if err != nil {
		return nil, err
	}
	seen.Resumed = resumed.Webhook.State.String()

	triggered, err := webhooks.Trigger(ctx, &carillon.TriggerRequest{Id: id})
	if err != nil {
		return nil, err
	}
	seen.Triggered = triggered.DeliveryId
	seen.Delivery, err = finish(ctx, deliveries, triggered.DeliveryId)
	if err != nil {
		return nil, err
	}

	event := &carillon.PublishRequest{Event: &carillon.Event{
		Id:   "made-" + id,
		Type: "visit.made",
		Data: &carillon.Event_Json{Json: structpb.NewStructValue(&structpb.Struct{
			Fields: map[string]*structpb.Value{"visitor": structpb.NewStringValue(name)},
		})},
	}}
	published, err := events.Publish(ctx, event)
	if err != nil {
		return nil, err
	}
	seen.Published = publicationOf(published)
	published, err = events.Publish(ctx, event)
	if err != nil {
		return nil, err
	}
	seen.Republish = publicationOf(published)
	_, err = events.Publish(ctx, &carillon.PublishRequest{Event: &carillon.Event{Type: "carillon.visit"}})
	seen.Reserved = refusalOf(err)

	history, err := deliveries.ListDeliveries(ctx, &carillon.ListDeliveriesRequest{Filter: "webhook_id = " + id})
	if err != nil {
		return nil, err
	}
	for _, delivery := range history.Deliveries {
		seen.Deliveries = append(seen.Deliveries, delivery.Id)
	}
	seen.EventSent, err = finish(ctx, deliveries, seen.Deliveries[0])
	if err != nil {
		return nil, err
	}

	removed, err := webhooks.Remove(ctx, &carillon.RemoveRequest{Id: id})
	if err != nil {
		return nil, err
	}
	seen.Removed = removed.Ids
	_, err = webhooks.Get(ctx, &carillon.GetRequest{Id: id})
	seen.Missing = refusalOf(err)
	return seen, nil
}

// finish asks until the delivery is no longer waiting.
func finish(
	ctx context.Context,
	deliveries carillon.DeliveryServiceClient,
	id string,
) (delivery, error) {
	for {
		got, err := deliveries.GetDelivery(ctx, &carillon.GetDeliveryRequest{Id: id})
		if err != nil {
			return delivery{}, err
		}
		if got.Delivery.State != carillon.Delivery_STATE_PENDING {
			seen := delivery{State: got.Delivery.State.String()}
			for _, attempt := range got.Delivery.Attempts {
				seen.Statuses = append(seen.Statuses, attempt.ResponseStatus)
			}
			return seen, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func registrationOf(response *carillon.RegisterResponse) registration {
	return registration{ID: response.Webhook.Id, Secret: response.Secret, Created: response.Created}
}

func publicationOf(response *carillon.PublishResponse) publication {
	return publication{
		ID:         response.Id,
		Deliveries: int64(response.DeliveryCount),
		Duplicate:  response.Duplicate,
	}
}

// refusalOf reads the code and the fields of google.rpc.BadRequest; code 0 when nothing was refused.
func refusalOf(err error) refusal {
	refused := status.Convert(err)
	seen := refusal{Code: uint32(refused.Code()), Fields: []string{}}
	for _, detail := range refused.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.FieldViolations {
				seen.Fields = append(seen.Fields, violation.Field)
			}
		}
	}
	return seen
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
