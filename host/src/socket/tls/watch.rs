//! The files of TLS while the host runs: what they become is taken without dropping anybody, and what is broken is not taken.
//!
//! Files are replaced in many ways: written anew, moved over, or by another target of a link, of the file itself (certbot) or of a
//! folder above it (Kubernetes). So the folders of all links on the way are watched, and everything is read again when anything
//! there has changed. Where nothing can be watched, as on some network drives, a look now and then finds it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Tls;
use super::certificate::Trouble;
use super::error::TlsError;
use super::files::Contents;
use super::identity::Identity;
use crate::telemetry;

/// A change is looked at when nothing has changed for so long: a certificate and its key come one after the other.
const QUIET: Duration = Duration::from_millis(200);

/// Or when so long has passed: in the same folder something else may change all the time.
const PATIENCE: Duration = Duration::from_secs(2);

/// The files are looked at so often in any case.
const LOOK: Duration = Duration::from_secs(60);

/// More links on the way to a file are a circle.
const MOST_LINKS: usize = 40;

impl Tls {
    /// Follows the files for as long as it is polled.
    pub(in crate::socket) async fn follow(self: Arc<Self>) {
        // One change that waits stands for all that come before it is looked at.
        let (tell, mut changes) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _told_already = tell.try_send(());
            }
        });
        let watcher =
            watcher.inspect_err(|error| tracing::warn!(%error, "the files of TLS are looked at every minute only"));
        let troubles = troubles(&self.identity.load());
        let mut follower =
            Follower { tls: self, watcher: watcher.ok(), watched: BTreeSet::new(), complaint: None, troubles };
        loop {
            // Watched before it is looked at, so that nothing is missed between the two.
            follower.watch().await;
            follower.look().await;
            if let Ok(None) = timeout(LOOK, changes.recv()).await {
                // There is no watcher.
                tokio::time::sleep(LOOK).await;
            }
            let quiet = async { while let Ok(Some(())) = timeout(QUIET, changes.recv()).await {} };
            let _in_time = timeout(PATIENCE, quiet).await;
        }
    }
}

struct Follower {
    tls: Arc<Tls>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    // What was wrong with the files at the last look. It is said once.
    complaint: Option<String>,
    // What was told of each certificate that serves.
    troubles: Vec<Option<Trouble>>,
}

impl Follower {
    /// Watches the folders in which a change may be one of the files: others than before, if a link leads elsewhere.
    async fn watch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let tls = Arc::clone(&self.tls);
        let all = move || tls.settings.files().flat_map(|file| folders(file)).collect::<BTreeSet<_>>();
        let Ok(folders) = tokio::task::spawn_blocking(all).await else { return };
        for gone in self.watched.difference(&folders) {
            // A folder that is no more is not watched any more, either.
            let _gone_already = watcher.unwatch(gone);
        }
        let mut watched = BTreeSet::new();
        for folder in folders {
            // One that has been replaced by another of the same name is watched only if it is told again.
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => _ = watched.insert(folder),
                Err(error) => tracing::debug!(folder = %folder.display(), %error, "a folder cannot be watched"),
            }
        }
        self.watched = watched;
    }

    async fn look(&mut self) {
        let tls = Arc::clone(&self.tls);
        let (settings, digest) = (tls.settings.clone(), tls.identity.load().digest);
        let read = move || -> Result<Option<Identity>, TlsError> {
            let contents = Contents::read(&settings)?;
            let is_new = contents.digest() != digest;
            is_new.then(|| Identity::new(&contents, &settings)).transpose()
        };
        // On a thread that may wait for a disk.
        let Ok(read) = tokio::task::spawn_blocking(read).await else { return };
        match read {
            Ok(Some(identity)) => {
                let identity = Arc::new(identity);
                self.troubles = troubles(&identity);
                self.complaint = None;
                tls.identity.store(Arc::clone(&identity));
                for about in &identity.certificates {
                    tracing::info!(names = %about, ends = about.ends(), "a certificate has been read again");
                }
                identity.warn();
            }
            Ok(None) => self.complaint = None,
            Err(error) => self.complain(&error),
        }
        self.tell_of_time();
    }

    fn complain(&mut self, error: &TlsError) {
        let text = telemetry::chain(error);
        if self.complaint.as_ref() != Some(&text) {
            let hint = error.hint();
            tracing::error!(
                error = text,
                hint,
                "the files of TLS have changed and cannot be used: what served goes on"
            );
            self.complaint = Some(text);
        }
    }

    /// Time passes for certificates that nobody renews.
    fn tell_of_time(&mut self) {
        let identity = self.tls.identity.load();
        let now = troubles(&identity);
        for ((about, now), before) in identity.certificates.iter().zip(&now).zip(&self.troubles) {
            if let Some(trouble) = now.filter(|_| now != before) {
                about.tell(trouble);
            }
        }
        self.troubles = now;
    }
}

fn troubles(identity: &Identity) -> Vec<Option<Trouble>> {
    let now = Timestamp::now();
    identity.certificates.iter().map(|about| about.trouble(now)).collect()
}

/// The folders in which something may be replaced on the way to a file: its own, and that of each link.
fn folders(file: &Path) -> BTreeSet<PathBuf> {
    let folder_of = |path: &Path| match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut folders = BTreeSet::new();
    let mut path = file.to_owned();
    for _ in 0..MOST_LINKS {
        folders.insert(folder_of(&path));
        let mut ways: Vec<&Path> = path.ancestors().collect();
        ways.reverse();
        // The one that is followed first.
        let link = ways.into_iter().find_map(|way| Some((way.to_owned(), fs::read_link(way).ok()?)));
        let Some((link, target)) = link else { break };
        let folder = folder_of(&link);
        let rest = path.strip_prefix(&link).map(Path::to_owned).unwrap_or_default();
        path = if rest.as_os_str().is_empty() { folder.join(target) } else { folder.join(target).join(rest) };
        folders.insert(folder);
    }
    folders
}
