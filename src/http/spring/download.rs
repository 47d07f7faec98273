//! `Content-Disposition` of an answer: whether a browser may show what the extension of the address promises.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use percent_encoding::percent_decode_str;

/// The extensions that Spring lists.
const LISTED: &str = "txt text yml yaml properties csv json xml";

/// Those of images, sounds, films and dialects of XML in the table of media types of Spring Boot, which are shown as well.
const SHOWN: &str = "\
    3ds 3g2 3gp aac abs adp aif aifc aiff art asf asx atom atomcat atomsvc au avi avif avx axa axv bmp btif caf \
    ccxml cdxml cgm cmx dae davmount dbk dd2 dib djv djvu dra dtb dts dtshd dv dvb dwg dxf ecelp4800 ecelp7470 \
    ecelp9600 emma eol es3 et3 f4v fbs fh fh4 fh5 fh7 fhc flac fli flv fpx fst fvt g3 gif gml gpx grxml h261 \
    h263 h264 hal ico ief ink inkml irp jpe jpeg jpg jpgm jpgv jpm kar kml ktx lasxml lbe link66 lostxml lvp m1v \
    m2a m2v m3a m3u m4a m4b m4r m4u m4v mac mads mathml mdi meta4 metalink mets mid midi mj2 mjp2 mk3d mka mks \
    mkv mmr mng mods mov movie mp1 mp2 mp2a mp3 mp4 mp4a mp4v mpa mpe mpeg mpega mpg mpg4 mpga mpkg mpv2 mrcx \
    mscml musicxml mxml mxu ncx npx oga ogg ogv omdoc opf opus osfpvg pbm pct pcx pgm pic pict pls png pnm pnt \
    ppm psd pskcxml pya pyv qt qti qtif ra ram ras rdf res rgb rif rip rl rlc rld rmi rmp rs rsd rss s3m sbml \
    sdkd sdkm sgi shf sid sil smi smil smv snd spx sru srx ssdl ssml svg svgz tei teicorpus tfi tga tif tiff ts \
    ulw uoml uva uvg uvh uvi uvm uvp uvs uvt uvu uvv uvva uvvg uvvh uvvi uvvm uvvp uvvs uvvt uvvu uvvv viv vob \
    vxml wav wax wbmp wbs wdp weba webm webp wm wma wmv wmx wsdl wspolicy wvx x3d x3dz xaml xbm xdf xdm xdp \
    xdssc xenc xer xht xhtml xhvml xif xlf xm xop xpl xpm xslt xsm xspf xul xvm xvml xwd yin zaz zmm";

/// Tells browsers not to open what the extension of a path promises, unless it is one that Spring takes to be harmless.
pub(super) fn name_download(response: &mut Response, path: &str) {
    if !response.status().is_success() {
        return;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    let last = percent_decode_str(last.split(';').next().unwrap_or_default()).decode_utf8_lossy();
    let Some((_, extension)) = last.rsplit_once('.') else { return };
    if !is_harmless(&extension.to_ascii_lowercase()) {
        let name = HeaderValue::from_static("inline;filename=f.txt");
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
}

fn is_harmless(extension: &str) -> bool {
    LISTED.split(' ').chain(SHOWN.split(' ')).any(|known| known == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_extensions_that_no_program_runs_keep_their_name() {
        let named = |path| {
            let mut response = Response::default();
            name_download(&mut response, path);
            response.headers().contains_key(header::CONTENT_DISPOSITION)
        };
        for path in ["/a/nginx.conf", "/a/v1.0", "/a/.hidden", "/a/x.tar.gz", "/a/release(_)2.x", "/a/x%2Ejs", "/x."] {
            assert!(named(path), "{path}");
        }
        for path in ["/a/app.yml", "/a/x.TXT", "/a/Dockerfile", "/a.b/c", "/a/x;v=1.0", "/a/logo.svg", "/a/song.mp3"] {
            assert!(!named(path), "{path}");
        }
    }
}
