tonic::include_proto!("api");

use carillon::v1::{event::Data, event_service_client::EventServiceClient};
use carillon::v1::{webhook_service_client::WebhookServiceClient, *};
use tonic_types::StatusExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let channel = tonic::transport::Channel::from_static("http://127.0.0.1:8091").connect().await?;
    let mut webhooks = WebhookServiceClient::new(channel.clone());
    let mut events = EventServiceClient::new(channel);

    let webhook = Webhook {
        id: "shop".into(),
        name: "shop".into(),
        destination: "http://127.0.0.1:8090/inbox/shop".into(),
        event_types: vec!["order.*".into()],
        ..Default::default()
    };
    let request = RegisterRequest { webhook: Some(webhook), ..Default::default() };
    let registered = webhooks.register(request).await?.into_inner();
    println!("registered {} {}", registered.webhook.unwrap().id, registered.secret);
    let listed = webhooks.list(ListRequest::default()).await?.into_inner();
    println!("listed {}", listed.webhooks[0].id);

    let event = Event {
        id: "order-1001".into(),
        r#type: "order.paid".into(),
        data: Some(Data::Text(r#"{"order":1001,"total":42}"#.into())),
        content_type: "application/json".into(),
        ..Default::default()
    };
    let request = PublishRequest { event: Some(event), ..Default::default() };
    let published = events.publish(request).await?.into_inner();
    println!("published {} {}", published.id, published.delivery_count);

    let nothing = GetRequest { id: "nothing".into(), ..Default::default() };
    if let Err(error) = webhooks.get(nothing).await {
        let details = error.get_error_details();
        let resource = details.resource_info().ok_or("there are no details")?;
        println!("{:?} {} {}", error.code(), resource.resource_type, resource.resource_name);
    }

    let shop = RemoveRequest { id: "shop".into(), ..Default::default() };
    println!("removed {}", webhooks.remove(shop).await?.into_inner().ids[0]);
    Ok(())
}
