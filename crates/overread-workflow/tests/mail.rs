//! A real conversation with a mail server: accepted, told to come back later, refused for good.

use overread_model::access::Role;
use overread_workflow::inviting::{self, Invite};
use overread_workflow::{MailConfig, SmtpConfig, mailing};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::house::{NOW, first_administrator, rooms};

/// Speaks SMTP with one client and returns the mail it was given, or what the receiver was answered.
async fn serve(stream: TcpStream, answer_to_receiver: &str) -> Option<String> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.test ESMTP\r\n").await.ok()?;
    let mut mail = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "EHLO" | "HELO" => "250 mail.test\r\n".to_owned(),
            "RCPT" => format!("{answer_to_receiver}\r\n"),
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push('\n');
                }
                mail = Some(text);
                "250 taken\r\n".to_owned()
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await.ok()?;
                return mail;
            }
            _ => "250 ok\r\n".to_owned(),
        };
        write.write_all(answer.as_bytes()).await.ok()?;
    }
    mail
}

/// Starts a mail server that answers each receiver in turn with one of these lines.
async fn server(
    answers: &'static [&'static str],
) -> (u16, mpsc::UnboundedReceiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = taken.send(serve(stream, answer).await);
        }
    });
    (port, mails)
}

async fn invite(
    ctx: &overread_workflow::Workflow,
    by: &overread_model::access::Actor,
    email: &str,
) -> String {
    let invite = Invite {
        name: "Zoë Ñandú".to_owned(),
        email: email.to_owned(),
        role: Role::Patient,
        case_id: None,
        language: "es".to_owned(),
    };
    inviting::invite(ctx, by, &invite, NOW)
        .await
        .unwrap()
        .secret
        .reveal()
        .to_owned()
}

fn smtp(port: u16) -> MailConfig {
    MailConfig::Smtp(SmtpConfig {
        host: "127.0.0.1".to_owned(),
        port,
        from: "Overread <overread@harbour.example>".to_owned(),
        credentials: None,
        plain_text: true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_delivered_after_the_server_asked_to_come_back() {
    let (port, mut mails) = server(&["451 later please", "250 ok"]).await;
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, Some(smtp(port))).await;
    let ada = first_administrator(&ctx).await;
    let secret = invite(&ctx, &ada, "zoe@home.example").await;
    let round = mailing::send_due(&ctx, NOW).await.unwrap();
    assert_eq!((round.sent, round.failed), (0, 1));
    assert_eq!(mails.recv().await.unwrap(), None);
    assert_eq!(
        mailing::send_due(&ctx, NOW.plus_seconds(30)).await.unwrap(),
        mailing::MailRound::default(),
        "not yet"
    );
    let round = mailing::send_due(&ctx, NOW.plus_seconds(61)).await.unwrap();
    assert_eq!((round.sent, round.failed), (1, 0));
    let mail = mails.recv().await.unwrap().unwrap();
    assert!(
        mail.contains("From: Overread <overread@harbour.example>"),
        "{mail}"
    );
    assert!(mail.contains("<zoe@home.example>") && mail.contains("multipart/alternative"));
    let unfolded = mail.replace("=\n", "").replace("=3D", "=");
    assert!(
        unfolded.contains(&secret),
        "the address of the invitation is in the mail"
    );
    assert_eq!(
        mailing::send_due(&ctx, NOW.plus_days(1))
            .await
            .unwrap()
            .sent,
        0,
        "sent once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_good_is_not_tried_again() {
    let (port, mut mails) = server(&["550 nobody here"]).await;
    let dir = tempfile::tempdir().unwrap();
    let ctx = rooms(&dir, Some(smtp(port))).await;
    let ada = first_administrator(&ctx).await;
    invite(&ctx, &ada, "nobody@home.example").await;
    assert_eq!(mailing::send_due(&ctx, NOW).await.unwrap().failed, 1);
    assert_eq!(mails.recv().await.unwrap(), None);
    assert_eq!(
        mailing::send_due(&ctx, NOW.plus_days(2)).await.unwrap(),
        mailing::MailRound::default()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ctx = rooms(&dir, Some(smtp(port))).await;
    let ada = first_administrator(&ctx).await;
    invite(&ctx, &ada, "zoe@home.example").await;
    assert_eq!(mailing::send_due(&ctx, NOW).await.unwrap().failed, 1);
    assert_eq!(
        mailing::send_due(&ctx, NOW.plus_seconds(61))
            .await
            .unwrap()
            .failed,
        1
    );
}
