//! What the parameters of a rendered resource ask (PS3.18 8.3.5).

use overread_pixels::{Source, View, Voi, VoiFunction, has_graphics, has_overlays, limits};

use crate::limits::{QUERY_BYTES, QUERY_PARAMETERS};
use crate::params::percent_decoded;
use crate::picture::{Look, PresentationState};
use crate::refusal::{Answer, Refusal};

/// JPEG quality when none is asked: no block is to be mistaken for a finding.
const QUALITY: u8 = 90;

/// How a picture is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) look: Look,
    pub(crate) quality: u8,
    /// What was asked and is not done, for the Warning header.
    pub(crate) not_done: Vec<&'static str>,
}

impl Asked {
    /// Reads the parameters of a rendered resource.
    ///
    /// # Errors
    /// 400 for a value that is malformed.
    pub(crate) fn rendered(query: &str) -> Answer<Self> {
        let mut asked = Self {
            look: Look::default(),
            quality: QUALITY,
            not_done: Vec::new(),
        };
        for (name, value) in pairs(query)? {
            match name.as_str() {
                "quality" => asked.quality = quality(&value)?,
                "viewport" => asked.look.view = viewport(&value)?,
                "window" => asked.look.voi = Some(window(&value)?),
                "annotation" => {
                    annotation(&value)?;
                    asked
                        .not_done
                        .push("The annotation parameter is not supported. Nothing is drawn into the image.");
                }
                "iccprofile" => asked.profile(&value)?,
                _ => {}
            }
        }
        Ok(asked)
    }

    /// Reads the parameters of a thumbnail: nothing but the size may be asked.
    pub(crate) fn thumbnail(query: &str) -> Answer<Self> {
        let side = limits::THUMBNAIL_SIDE;
        let mut view = View {
            fit: Some((side, side)),
            source: None,
        };
        for (name, value) in pairs(query)? {
            if name == "viewport" {
                view = viewport(&value)?;
            }
        }
        let most = limits::THUMBNAIL_SIDE_MAX;
        let is_small = view
            .fit
            .is_some_and(|(wide, high)| wide <= most && high <= most);
        if view.source.is_some() || !is_small {
            return Err(Refusal::bad_request(format!(
                "the viewport of a thumbnail is a width and a height, at most {most}"
            )));
        }
        Ok(Self {
            look: Look {
                view,
                ..Look::default()
            },
            quality: QUALITY,
            not_done: Vec::new(),
        })
    }

    /// Shows what is asked for by a presentation state.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) fn by(mut self, state: PresentationState) -> Answer<Self> {
        let header = state.header()?;
        if has_graphics(&header) {
            self.not_done
                .push("The text and lines of the presentation state are not drawn.");
        }
        if has_overlays(&header) {
            self.not_done
                .push("The overlays of the presentation state are not drawn.");
        }
        drop(header);
        self.look.state = Some(state);
        Ok(self)
    }

    // PS3.18 8.3.5.1.5.
    fn profile(&mut self, value: &str) -> Answer<()> {
        match value {
            "no" => Ok(()),
            "yes" | "srgb" | "adobergb" | "rommrgb" => {
                self.not_done.push(
                    "The iccprofile parameter is not supported. No profile is embedded in the image.",
                );
                Ok(())
            }
            _ => Err(Refusal::bad_request(
                "iccprofile must be no, yes, srgb, adobergb or rommrgb",
            )),
        }
    }
}

fn pairs(query: &str) -> Answer<Vec<(String, String)>> {
    if query.len() > QUERY_BYTES {
        return Err(Refusal::bad_request("the query is too long"));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let given = query.split('&').filter(|pair| !pair.is_empty());
    for pair in given.take(QUERY_PARAMETERS) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decoded(name);
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::bad_request("a parameter may be given only once"));
        }
        pairs.push((name, percent_decoded(value)));
    }
    Ok(pairs)
}

// PS3.18 8.3.5.1.2.
fn quality(value: &str) -> Answer<u8> {
    let quality = value
        .parse()
        .ok()
        .filter(|quality| (1..=100).contains(quality));
    quality.ok_or_else(|| Refusal::bad_request("quality must be a whole number from 1 to 100"))
}

// PS3.18 8.3.5.1.1: what is unknown among known words is passed over.
fn annotation(value: &str) -> Answer<()> {
    let is_known = value
        .split(',')
        .any(|word| matches!(word.trim(), "patient" | "technique"));
    if is_known {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "annotation must be patient or technique",
    ))
}

// PS3.18 8.3.5.1.4.
fn window(value: &str) -> Answer<Voi> {
    let malformed = || {
        Refusal::bad_request(
            "window must be a center, a width above 0 (1 and more for linear) and one of linear, linear-exact, sigmoid",
        )
    };
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    let [center, width, function] = parts.as_slice() else {
        return Err(malformed());
    };
    let (function, least) = match *function {
        "linear" => (VoiFunction::Linear, 1.0),
        "linear-exact" => (VoiFunction::LinearExact, f64::MIN_POSITIVE),
        "sigmoid" => (VoiFunction::Sigmoid, f64::MIN_POSITIVE),
        _ => return Err(malformed()),
    };
    let center = number(center).ok_or_else(malformed)?;
    let width = number(width)
        .filter(|width| *width >= least)
        .ok_or_else(malformed)?;
    Ok(Voi::Window {
        center,
        width,
        function,
    })
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

// PS3.18 8.3.5.1.3: vw,vh[,sx,sy,sw,sh]; what is left out is the whole image.
fn viewport(value: &str) -> Answer<View> {
    let malformed = || {
        Refusal::bad_request(
            "viewport must be vw,vh or vw,vh,sx,sy,sw,sh: a size in whole pixels, and a part of the image",
        )
    };
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    let side = |text: &str| {
        let side = text.parse::<u32>().ok();
        side.filter(|side| (1..=limits::PICTURE_SIDE).contains(side))
    };
    let [wide, high, rest @ ..] = parts.as_slice() else {
        return Err(malformed());
    };
    let fit = side(wide).zip(side(high)).ok_or_else(malformed)?;
    if rest.len() > 4 {
        return Err(malformed());
    }
    let mut places = [0.0; 4];
    for (place, text) in places.iter_mut().zip(rest) {
        if !text.is_empty() {
            *place = number(text).ok_or_else(malformed)?;
        }
    }
    let [x, y, width, height] = places;
    if x < 0.0 || y < 0.0 {
        return Err(malformed());
    }
    let source = (!rest.is_empty()).then_some(Source {
        x,
        y,
        width: width.abs(),
        height: height.abs(),
        is_flipped_across: width < 0.0,
        is_flipped_down: height < 0.0,
    });
    Ok(View {
        fit: Some(fit),
        source,
    })
}

#[cfg(test)]
mod tests {
    use overread_pixels::{Voi, VoiFunction};

    use super::Asked;

    fn status(query: &str) -> u16 {
        Asked::rendered(query).map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
    }

    #[test]
    fn windows_are_whole_or_refused_w8() {
        let asked = Asked::rendered("window=40%2C400,linear").expect("reads");
        let expect = Voi::Window {
            center: 40.0,
            width: 400.0,
            function: VoiFunction::Linear,
        };
        assert_eq!(asked.look.voi, Some(expect));
        assert_eq!(status("window=0.5,0.1,linear-exact"), 200);
        assert_eq!(status("window=-5,1e3,sigmoid"), 200);
        for bad in [
            "40,400",
            "40,400,LINEAR",
            "a,400,linear",
            "40,0.5,linear",
            "1,0,sigmoid",
            "nan,1,sigmoid",
            "",
        ] {
            assert_eq!(status(&format!("window={bad}")), 400, "{bad}");
        }
        assert_eq!(status("window=1,2,linear&window=1,2,linear"), 400);
    }

    #[test]
    fn viewports_are_checked_w9() {
        for good in [
            "100,100",
            "100,100,0,0,50,50",
            "100,100,,,-50,-50",
            "5,5,10",
        ] {
            assert_eq!(status(&format!("viewport={good}")), 200, "{good}");
        }
        for bad in [
            "100",
            "0,5",
            "-5,5",
            "1.5,2",
            "5,5,-1,0,5,5",
            "5,5,0,0,5,5,5",
            "5,5,x",
            "99999,5",
            "",
        ] {
            assert_eq!(status(&format!("viewport={bad}")), 400, "{bad}");
        }
        let asked = Asked::rendered("viewport=9,9,1,2,-3,4").expect("reads");
        let source = asked.look.view.source.expect("a part");
        assert!(source.is_flipped_across && !source.is_flipped_down);
        assert_eq!(
            (source.x, source.y, source.width, source.height),
            (1.0, 2.0, 3.0, 4.0)
        );
        assert!(Asked::thumbnail("viewport=64,64").is_ok());
        for bad in ["viewport=64,64,0,0,5,5", "viewport=5000,5", "viewport=x"] {
            assert!(Asked::thumbnail(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quality_annotation_and_profile_w7_w10() {
        assert_eq!(
            Asked::rendered("quality=7").map(|asked| asked.quality).ok(),
            Some(7)
        );
        for bad in [
            "quality=0",
            "quality=101",
            "quality=",
            "annotation=",
            "annotation=name",
            "iccprofile=x",
        ] {
            assert_eq!(status(bad), 400, "{bad}");
        }
        let asked = Asked::rendered("annotation=patient,name&iccprofile=srgb").expect("reads");
        assert_eq!(asked.not_done.len(), 2);
        assert_eq!(status("iccprofile=no&accept=image/png&other=1"), 200);
    }
}
