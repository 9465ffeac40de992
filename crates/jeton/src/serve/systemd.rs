//! Notifications to systemd (sd_notify(3)). Without systemd they do nothing.

use sd_notify::NotifyState;

/// The server answers.
pub(super) fn notify_ready() {
    notify(&[NotifyState::Ready]);
}

/// The server reloads its settings; it reports that it is ready afterwards.
pub(super) fn notify_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("systemd cannot be notified of a reload: {error}"),
    }
}

/// The server finishes requests in progress.
pub(super) fn notify_stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Reports that this process is alive, twice as often as systemd requires (`WatchdogSec=`). Never ends.
pub(super) async fn feed_watchdog() {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero()) else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(patience / 2);
    loop {
        ticks.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("systemd cannot be notified: {error}");
    }
}
